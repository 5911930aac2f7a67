"""A protocol played over a few rounds, with clients whose updates are made up; no training, no clock, no network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.server_side import QuadraticSide, needs_examples
from fedprop.authentication import client_key, is_authentic, signed
from fedprop.defenses.protocol import Replies, RoundProtocol, Ruling
from fedprop.errors import InvalidUpdates, WrongAnswer
from fedprop.messages import Draft, Report, decode, encode
from fedprop.rng import generator
from fedprop.simulation.asking import (
    ask,
    ask_after,
    ask_aggregate,
    ask_beginning,
    ask_finish,
    ask_invite,
    ask_report,
    ask_screen,
    ask_select,
)
from fedprop.simulation.packing import pack, unpack
from fedprop.types import ClientId, Round, Vector

POOL: tuple[ClientId, ...] = (41, 7, 23, 98, 5, 60, 0)
"""Clients; but for 0, which is not False, none can be taken for a position."""

FAR = 1000
"""How far the ids of strangers are from those of the pool."""

ROUNDS = 100
"""Rounds that the run has, as the protocol is told: more than are played."""


@dataclass(frozen=True)
class Story:
    """Who is there in each round, how long updates are, and what all else is drawn from.

    Attributes
    ----------
    first : the number of the first round.
    spread : how far updates are from one direction, in units of its length.
    lies : whether some clients answer the reverse to yes-or-no questions.
    """

    cohorts: tuple[tuple[ClientId, ...], ...]
    size: int
    seed: int
    first: Round
    spread: float
    lies: bool

    def update(self, client: ClientId, round: Round) -> Vector:
        """What a client learnt in a round [size]."""
        common = torch.randn(self.size, generator=generator(self.seed, "direction"))
        own = torch.randn(self.size, generator=generator(self.seed, "own", client, round))
        return common + self.spread * own

    def of_strangers(self, number: int) -> "Story":
        """The story, about clients of other ids in the same order."""
        return replace(self, cohorts=tuple(tuple(client + FAR * number for client in there) for there in self.cohorts))

    def another(self) -> "Story":
        """Another story of the same clients, in the same rounds."""
        return replace(self, cohorts=self.cohorts[::-1], seed=self.seed + 1, spread=1.0, lies=not self.lies)


def stories() -> st.SearchStrategy[Story]:
    """Up to five rounds of up to seven clients."""
    cohort = st.lists(st.sampled_from(POOL), min_size=1, max_size=len(POOL), unique=True).map(tuple)
    return st.builds(
        Story,
        cohorts=st.lists(cohort, min_size=1, max_size=5).map(tuple),
        size=st.integers(1, 4),
        seed=st.integers(0, 1000),
        first=st.sampled_from([0, 0, 1, 10, 60]),
        spread=st.sampled_from([0.0, 0.1, 1.0, 10.0]),
        lies=st.booleans(),
    )


class Played(NamedTuple):
    """What became of a round: whom the protocol invited, what it found, and the model that was left."""

    invited: tuple[ClientId, ...]
    accepted: Mapping[ClientId, bool]
    ruling: Ruling | None
    model: Vector


@dataclass
class Play:
    """Plays a story.

    Attributes
    ----------
    shuffled : whether updates arrive in another order.
    saved : whether what is remembered goes through a checkpoint after each round.
    """

    protocol: RoundProtocol
    story: Story
    shuffled: bool = False
    saved: bool = False
    memory: Any = None
    state: Any = None
    models: dict[ClientId, Vector] = field(default_factory=dict)

    def __call__(self) -> list[Played]:
        """All rounds. Raises RunFailed where the protocol does not answer as it should."""
        self.memory, self.state = self.protocol.init(), self.protocol.rule.init()
        model, played = torch.zeros(self.story.size), []
        for number, cohort in enumerate(self.story.cohorts):
            played.append(self._round(self.story.first + number, cohort, model))
            model = played[-1].model
            if self.saved:
                self.memory = through_a_checkpoint(self.memory)
        return played

    def _round(self, round: Round, there: tuple[ClientId, ...], model: Vector) -> Played:
        invited = self._selected(round, sorted(there))
        order = [invited[i] for i in self._order(len(invited), round)]
        rows, told = zip(*(self._client(client, round, model) for client in order), strict=True)
        updates = torch.stack(rows)
        accepted, ruling = (True,) * len(order), None
        server = QuadraticSide(self.story.update(POOL[0], -1)) if needs_examples(self.protocol.asks) else None
        if self.protocol.fills("screen"):
            replies = Replies(updates, tuple(order), told, server, round, ROUNDS)
            accepted, ruling, self.memory = ask_screen(self.protocol, replies, self.memory)
        kept = [row for row, used in enumerate(accepted) if used]
        step = self._step(updates[kept], tuple(order[row] for row in kept), round, model, server) if kept else None
        left = model if step is None else self._after(model + step, round)
        return Played(tuple(invited), dict(zip(order, accepted, strict=True)), ruling, left)

    def _selected(self, round: Round, there: list[ClientId]) -> list[ClientId]:
        if not self.protocol.fills("select"):
            return there
        draw = generator(self.story.seed, "selection", round)
        return ask_select(self.protocol, there, len(there), self.memory, round=round, generator=draw)

    def _order(self, count: int, round: Round) -> list[int]:
        if not self.shuffled:
            return list(range(count))
        order: list[int] = torch.randperm(count, generator=generator(self.story.seed, "order", round)).tolist()
        return order

    def _client(self, client: ClientId, round: Round, model: Vector) -> tuple[Vector, tuple[Report, ...]]:
        """What a client sends, and the reports that the server heard of it."""
        protocol, drafts, received = self.protocol, tuple[Draft, ...](), model
        if protocol.fills("invite"):
            draw = generator(self.story.seed, "invitation", client, round)
            received = ask_invite(protocol, client, model, self.memory, round=round, generator=draw)
        start = received
        if protocol.fills("begin"):
            start, drafts, _ = ask_beginning(protocol, client, received, self.models.get(client), _accuracy, round)
        update = start - received + self.story.update(client, round)
        if protocol.fills("finish"):
            update = ask_finish(protocol, client, received, update, round)
        if protocol.fills("report"):
            drafts += ask_report(protocol, client, received, update, round)
        self.models[client] = received + update
        return update, self._reports(client, round, drafts)

    def _reports(self, client: ClientId, round: Round, drafts: tuple[Draft, ...]) -> tuple[Report, ...]:
        made = sorted(draft.kind.__name__ for draft in drafts)
        wanted = sorted(kind.__name__ for kind in self.protocol.reports)
        if made != wanted:
            raise WrongAnswer(f"a client must make one report of each declared kind, {wanted}, in a task; found {made}")
        liar = self.story.lies and client % FAR in POOL[:2]
        said = [draft.answered(lambda truth: truth is not liar) for draft in drafts]
        return tuple(_heard(draft.about(client, round, round), self.protocol, client) for draft in said)

    def _step(
        self, rows: Tensor, clients: tuple[ClientId, ...], round: Round, model: Vector, server: QuadraticSide | None
    ) -> Vector | None:
        """The aggregate; None where it is declined."""
        draw = generator(self.story.seed, "aggregation", round)
        cohort = Cohort(rows, clients, server=server, model=model, round=round, generator=draw)

        def rule(given: Cohort) -> Aggregation:
            return ask(self.protocol.rule, given, self.state, round)

        try:
            answer = ask_aggregate(self.protocol, cohort, self.memory, round, rule)
        except InvalidUpdates:
            return None
        self.state = answer.state
        return answer.value

    def _after(self, model: Vector, round: Round) -> Vector:
        if not self.protocol.fills("after"):
            return model
        draw = generator(self.story.seed, "after", round)
        return ask_after(self.protocol, model, self.memory, round=round, generator=draw)


def _heard(report: Report, protocol: RoundProtocol, client: ClientId) -> Report:
    """A report as it comes out of the wire form."""
    key = client_key(0, client)
    sent = signed(report, key)
    arrived = decode(encode(sent), reports=protocol.reports)
    if not isinstance(arrived, Report) or arrived != sent or not is_authentic(arrived, key):
        raise WrongAnswer(f"{type(report).__name__} must come out of the wire form as it went in; found {arrived!r}")
    return arrived


def through_a_checkpoint(memory: Any) -> Any:
    """What a checkpoint gives back. Raises TypeError if it cannot hold it."""
    tensors: dict[str, Tensor] = {}
    return unpack(json.loads(json.dumps(pack(memory, tensors))), tensors)


def _accuracy(client: ClientId, parameters: Vector) -> float:
    """Some accuracy of a model, by which models differ."""
    return float(torch.sigmoid(parameters.sum() + client % 3))
