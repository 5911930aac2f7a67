"""What both of Flower's interfaces share: from the replies of a round to the next model, by a rule of fedprop."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import torch

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.server_side import ServerSide, needs_examples
from fedprop.errors import InvalidConfig, InvalidUpdates
from fedprop.flower.arrays import ArrayLayout, Arrays
from fedprop.messages import Reason
from fedprop.rng import generator
from fedprop.types import Round, Vector

Node: TypeAlias = int | str
"""Flower's name for a client: a node id, or a `cid`."""

Helper: TypeAlias = Callable[[Arrays, Round], ServerSide]
"""Answers what a rule asks of the server's own examples about the global model, in a round."""

LOG = logging.getLogger("flwr")


class Received(NamedTuple):
    """What a node answered: the arrays of its model, and of how many examples it says that it learnt them."""

    node: Node
    arrays: Arrays
    examples: object


@dataclass(frozen=True)
class RoundTold:
    """How a round went.

    Attributes
    ----------
    round : from 1 on, as Flower counts.
    weights : the weight of each node's model in the aggregate.
    refused : the nodes whose replies could not be used, and why.
    failure : why the rule declined the others, so that the model stayed as it was; empty if it did not.
    when : when the round's tasks were given out, its last reply was in, and the rule had answered: seconds since 1970.
    """

    round: int
    weights: Mapping[Node, float]
    refused: Mapping[Node, Reason]
    failure: str = ""
    when: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass
class RuleRounds:
    """Rounds of a rule or a chain, with what it remembers: by node, whatever order the nodes answer in.

    Attributes
    ----------
    rule : what aggregates; its rows are a node's model minus the global one.
    seed : of the random numbers that the rule may draw.
    server : what a rule asks that looks at the server's own examples; None for one that does not.
    memory : what the rule remembers.
    clients : the number under which the rule knows each node, from 0 on, as they first answered.
    told : how each round went.
    began : when the tasks of the present round were given out, in seconds since 1970.

    Raises
    ------
    InvalidConfig
        If the rule asks what nobody can answer here.
    """

    rule: Aggregator
    seed: int = 0
    server: Helper | None = None
    memory: Any = None
    clients: dict[Node, int] = field(default_factory=dict)
    told: list[RoundTold] = field(default_factory=list)
    began: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        name, asks = type(self.rule).__name__, self.rule.asks
        if needs_examples(asks) and self.server is None:
            raise InvalidConfig(
                f"`server` must be given for {name}, which asks for {', '.join(sorted(asks))}; found None"
            )
        refuse_classifier(self.rule)
        self.memory = self.rule.init() if self.memory is None else self.memory

    def play(self, round: int, model: Arrays, replies: Sequence[Received]) -> dict[str, Any] | None:
        """The next global model made of the replies to `model`; None if it stays as it is.

        What cannot be used is refused, logged, and told: one bad reply never ends a round.
        """
        came, layout = time.time(), ArrayLayout.of(model)
        refused: dict[Node, Reason] = {}
        used: dict[Node, Received] = {}
        for reply in sorted(replies, key=lambda reply: str(reply.node)):
            reason = Reason.DUPLICATE if reply.node in used else refusal(layout, reply.arrays, reply.examples)
            if reason is None:
                used[reply.node] = reply
            else:
                refused[reply.node] = reason
                LOG.warning("round %d: the reply of node %s is refused: %s", round, reply.node, reason.value)
        for node in used:
            self.clients.setdefault(node, len(self.clients))
        start = layout.flatten(model)
        try:
            found = self._asked(
                round, start, model, [used[node] for node in sorted(used, key=self.clients.__getitem__)]
            )
        except InvalidUpdates as error:
            LOG.warning("round %d fails, and the model stays: %s", round, error)
            self.told.append(RoundTold(round, {}, refused, str(error), self._when(came)))
            return None
        self.memory = found.state
        nodes = sorted(used, key=self.clients.__getitem__)
        weights = dict(zip(nodes, found.weights.tolist(), strict=True))
        self.told.append(RoundTold(round, weights, refused, when=self._when(came)))
        return layout.arrays(start + found.value.to(start))

    def _when(self, came: float) -> tuple[float, float, float]:
        return self.began, came, time.time()

    def _asked(self, round: int, start: Vector, model: Arrays, replies: Sequence[Received]) -> Aggregation:
        """The rule's answer. Raises `InvalidUpdates` if there is none."""
        if not replies:
            raise InvalidUpdates("a round must have a reply that can be used; found none")
        layout, number = ArrayLayout.of(model), round - 1
        known = {"model": start, "round": number, "generator": generator(self.seed, "aggregation", number)}
        cohort = Cohort(
            torch.stack([layout.flatten(reply.arrays) - start for reply in replies]),
            clients=[self.clients[reply.node] for reply in replies],
            examples=[int(str(reply.examples)) for reply in replies],
            server=None if self.server is None else self.server(model, number),
            **{name: value for name, value in known.items() if name in self.rule.asks},  # type: ignore[arg-type]
        )
        found = self.rule.aggregate(cohort, self.memory)
        if not torch.isfinite(found.value).all():
            raise InvalidUpdates(f"{type(self.rule).__name__} must answer with finite numbers; found NaN or infinity")
        return found


def refuse_classifier(rule: Aggregator) -> None:
    """Refuse a rule that asks for the model as a classifier, which a strategy of Flower's has only as arrays."""
    if "classifier" in rule.asks:
        raise InvalidConfig(f"`rule` must not ask for the model as a classifier in Flower; found {type(rule).__name__}")


def refusal(layout: ArrayLayout, arrays: Arrays, examples: object) -> Reason | None:
    """Why a reply cannot be used; None if it can."""
    if not isinstance(examples, int) or isinstance(examples, bool) or not 0 < examples < 2**63:
        return Reason.BAD_SIZE
    return layout.refusal(arrays)
