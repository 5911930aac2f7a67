"""The steps of a round, and what a defense does in them that is more than a rule.

One round goes through these steps; a protocol fills in some of them, and the others do nothing and cost nothing.

- `select`: the server chooses whom to invite, of those who are there.
- `invite`: what each of them is sent in place of the global model.
- `begin`: a client gets the invitation; where it starts, and what it reports at once.
- `train`: what it does within local training (`fedprop.training.steering`).
- `finish`: what it sends of what it learnt.
- `report`: what it says of that.
- `screen`: the server has its updates; which of them it aggregates, and whether onto the current global model or onto
  the one before (`rollback.py`).
- `aggregate`: what it makes of these.
- `after`: the global model that this leaves.

What clients report are messages of kinds that the protocol declares. Before the first round a protocol may have said
that the model needs outputs for more classes than the data have (`extra_classes`), and made examples that all clients
train on beside their own (`extra_examples`). The simulator knows these steps, and nothing of what a defense does in
them.
"""

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.mean import Mean
from fedprop.aggregators.server_side import ServerSide
from fedprop.messages import Draft, Report
from fedprop.metrics import Number
from fedprop.training.steering import Steering
from fedprop.types import ClientId, Kind, Round, Updates, Vector

R = TypeVar("R", bound=Report)

LocalTest: TypeAlias = Callable[[ClientId, Vector], float | None]
"""The accuracy in [0, 1] of a model [d] on the examples that a client keeps for testing; None if it keeps none."""

Step: TypeAlias = Literal["select", "invite", "begin", "train", "finish", "report", "screen", "aggregate", "after"]

Memory: TypeAlias = Any
"""What a protocol remembers: None, numbers, text, tensors, and tuples and mappings of these."""


IN_ROUNDS = "all clients of a round are sent one global model, and are judged together"
"""What a protocol needs that fills in steps of a round as a whole."""


class Beginning(NamedTuple):
    """How a client begins a task.

    Attributes
    ----------
    start : the model [d] that training starts from. The update sent is relative to the global model all the same.
    reports : what the client tells the server at once.
    detail : why, for the record.
    """

    start: Vector
    reports: tuple[Draft, ...] = ()
    detail: str = ""


class Replies(NamedTuple):
    """A round as the server sees it before it aggregates.

    Attributes
    ----------
    updates : rows [n, d], relative to the current global model.
    clients : who sent each row.
    reports : what each of them reported.
    server : what the server's own examples tell about the current global model and the updates; None without any.
    round : the number of the round, from 0 on.
    rounds : how many rounds the run has in all.
    """

    updates: Updates
    clients: tuple[ClientId, ...]
    reports: tuple[tuple[Report, ...], ...]
    server: ServerSide | None
    round: Round
    rounds: int

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """The report of one kind that came with each row; the server refuses updates without theirs."""
        return tuple(next(report for report in told if isinstance(report, kind)) for told in self.reports)


@dataclass(frozen=True)
class Ruling:
    """What the server found out in one round, for the record.

    Attributes
    ----------
    case : why it decided as it did.
    verdicts : what was found out about each client of the round.
    rollback : whether the current global model is given up for the one before.
    reports : what each of them reported, as a number.
    scores : what was measured of each of their updates, where that was asked for.
    suspicion : how much is held against each client known so far.
    banned : whose updates are refused from now on.
    measured : what else was measured of their updates, by the name of what measured it.
    """

    case: str
    verdicts: Mapping[ClientId, str]
    rollback: bool = False
    reports: Mapping[ClientId, float] = field(default_factory=dict)
    scores: Mapping[ClientId, float] = field(default_factory=dict)
    suspicion: Mapping[ClientId, float] = field(default_factory=dict)
    banned: tuple[ClientId, ...] = ()
    measured: Mapping[str, Mapping[ClientId, float]] = field(default_factory=dict)


class Judged(NamedTuple):
    """What is made of the updates, and what was found out about them as it was."""

    aggregation: Aggregation
    ruling: Ruling


class Screened(NamedTuple):
    """Which rows are aggregated, why, and what the protocol remembers from now on."""

    accepted: tuple[bool, ...]
    ruling: Ruling
    memory: Memory


class RoundProtocol(Kind, ABC):
    """Base of all such defenses.

    What it remembers is plain data: None, numbers, text, tensors, and tuples and mappings of these, keyed by client
    and not by position. A checkpoint gives back a named tuple as a plain one. No step may change what it is handed.

    Attributes
    ----------
    reports : the kinds of reports that each client makes in each task. The server takes no others, and refuses the
        update of a client that left one of them out.
    numbers : what is told of every run with this protocol.
    """

    reports: ClassVar[tuple[type[Report], ...]] = ()
    numbers: ClassVar[tuple[Number, ...]] = ()

    kind: str

    @property
    def rule(self) -> Aggregator:
        """What aggregates the updates that are accepted, and what attacks take for the server's rule."""
        return Mean()

    @property
    def asks(self) -> frozenset[str]:
        """What it reads of the server's own examples, by name, as `Aggregator.asks` says; nothing unless it says so."""
        return frozenset()

    @property
    def needs_rounds(self) -> str:
        """Why it does not go with an asynchronous policy, in a sentence; empty if it does.

        Steps that treat the clients of a round as one do not, unless a protocol knows better.
        """
        return IN_ROUNDS if self.fills("select", "begin", "screen", "aggregate") else ""

    @property
    def test_share(self) -> float:
        """The share of its examples, in [0, 1), that each client keeps for testing."""
        return 0.0

    @property
    def extra_classes(self) -> int:
        """For how many classes beside those of the data the model is to have outputs, the last ones; none by default.

        It is trained on all its outputs. The global model is tested on those of the data's classes alone: accuracy,
        loss, metrics, what attacks aim at and what a client tests on know no other class, and the answer is the largest
        of these outputs. So it is for attacks, which poison data and ask models as if there were no more classes.
        """
        return 0

    def extra_examples(self, x: Tensor, classes: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Examples that the server makes before the first round, and that clients train on beside their own; or None.

        Every client that holds data is handed all of them, an attack's too, whose honest updates come from them as
        well. Attacks poison data before that, so that these examples stay what they are; no client keeps any of them
        for testing, or counts them among the examples that it claims to have; partitions and what is told of them know
        nothing of them. What the protocol `asks` of the server's own examples is told by these: then the server keeps
        none of the training data.

        Parameters
        ----------
        x : the test inputs [n, ...], to show what an input is.
        classes : how many classes the data have; labels from this on are those of `extra_classes`.

        Returns
        -------
        inputs [k, ...] like those shown and their labels [k], int64.
        """
        return None

    def init(self) -> Memory:
        """What the protocol remembers before the first round."""
        return None

    def fixed_by(self, rounds: int) -> Any:
        """What follows from how many rounds a run has in all, as plain data; None for nothing.

        A finished run can go on for more rounds if this stays what it was.
        """
        return None

    def fills(self, *steps: Step) -> bool:
        """Whether it does anything in one of these steps."""
        return any(getattr(type(self), step) is not getattr(RoundProtocol, step) for step in steps)

    def select(
        self, available: Sequence[ClientId], wanted: int, memory: Memory, *, round: Round, generator: torch.Generator
    ) -> Sequence[ClientId]:
        """Whom to invite: at least one of the clients that are available, and at most `wanted`.

        The server does not ask a protocol that leaves this out: it invites `wanted` of them, uniformly at random.
        """
        raise NotImplementedError

    def invite(self, client: ClientId, parameters: Vector, memory: Memory, *, generator: torch.Generator) -> Vector:
        """What a client is sent in place of the global model [d]; its update is relative to that."""
        return parameters

    def begin(self, client: ClientId, received: Vector, last: Vector | None, *, test: LocalTest) -> Beginning:
        """A client was sent a global model [d].

        Parameters
        ----------
        received : the global model [d].
        last : the client's local model [d] at the end of the last task that it finished and answered, whatever became
            of the answer; None if there was none yet.
        test : tells how good a model is on what a client holds out.
        """
        return Beginning(received)

    def train(self) -> Steering | None:
        """What clients do within local training; None for nothing."""
        return None

    def finish(self, client: ClientId, received: Vector, update: Vector) -> Vector:
        """The update [d] that a client sends which was sent a global model [d] and learnt an update [d].

        The model that it keeps is where that leads. A compromised client has finished its honest update, too, before
        its attack sees it.
        """
        return update

    def report(self, client: ClientId, received: Vector, update: Vector) -> tuple[Draft, ...]:
        """What a client reports that was sent a global model [d] and is about to send an update [d]."""
        return ()

    def screen(self, replies: Replies, memory: Memory) -> Screened:
        """Whose updates are aggregated, and onto which model; the answer may not depend on the order of the rows.

        The server does not ask a protocol that leaves this out: all are aggregated, and nothing is recorded.
        """
        raise NotImplementedError

    def aggregate(
        self, cohort: Cohort, memory: Memory, *, rule: Callable[[Cohort], Aggregation]
    ) -> Aggregation | Judged:
        """What the server makes of the accepted updates; `rule` asks the protocol's rule, which has its own memory.

        `cohort` tells what rules may ask for, the model, the round and a generator included. `memory` is what `screen`
        left. A protocol that chooses here rather than in `screen` answers with a ruling as well, which takes the place
        of the one of that step, and cannot roll back.
        """
        return rule(cohort)

    def after(self, parameters: Vector, memory: Memory, *, round: Round, generator: torch.Generator) -> Vector:
        """The global model [d] after the round in place of the one that the server's step led to."""
        return parameters
