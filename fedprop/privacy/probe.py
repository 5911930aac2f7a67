"""Whoever looks at a run for what it gives away, without taking part in it.

A probe is a kind: its settings say what it looks for, `watch` hands it what it needs of the run, and it answers with
findings, which are plain data. Its numbers read them; its pictures stand with those of the report.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol

from torch import Tensor, nn

from fedprop.data.base import Examples
from fedprop.metrics import Number
from fedprop.types import ClientId, Kind, Round, Vector


class Sent(NamedTuple):
    """An update that the server accepted, as whoever listens on the link has it.

    Attributes
    ----------
    origin : the model [d] that the client was sent.
    update : what it sent back [d].
    examples, steps : what it claims to have trained on, and how long.
    """

    origin: Vector
    update: Vector
    examples: int
    steps: int

    @property
    def local(self) -> Vector:
        """The client's own model [d]."""
        return self.origin + self.update


class Sight(NamedTuple):
    """What a curious server, or an eavesdropper on all its links, sees as a round closes.

    Attributes
    ----------
    last : whether no other round follows.
    parameters : the global model, [d].
    sent : the newest update of a client that the server accepted for this round; None of others.
    """

    round: Round
    last: bool
    parameters: Vector
    sent: Callable[[ClientId], Sent | None]


@dataclass(frozen=True)
class Finding:
    """What one attack on one model came to.

    Attributes
    ----------
    probe : the kind of probe that found it.
    client : whose model or update was attacked; None for the global model.
    attack : the attack's name.
    result : numbers by name, and sequences of numbers, such as the points of a curve.
    """

    probe: str
    client: ClientId | None
    attack: str
    result: dict[str, float | tuple[float, ...]] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The model attacked, in words."""
        return "global model" if self.client is None else f"client {self.client}"

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers of the result, by name."""
        return {name: found for name, found in self.result.items() if not isinstance(found, tuple)}


class Watch(Protocol):
    """Is shown every round as it closes. It must not change what it sees, so that a run is the same without it."""

    def __call__(self, sight: Sight) -> tuple[Finding, ...]:
        """What was found in this round; a function of the sight and of nothing that came before."""
        ...


class Watched(NamedTuple):
    """What a probe may know of a run before it begins, to ask its questions and to judge its own answers.

    Attributes
    ----------
    module : the model whose parameters the run exchanges.
    pool, parts : everybody's training data, and which of it each client holds.
    outsiders : examples nobody trains on.
    seed : decides whatever the probe draws.
    """

    module: nn.Module
    pool: Examples
    parts: Sequence[Tensor]
    outsiders: Examples
    seed: int


class Probe(Kind, ABC):
    """Base of all probes.

    Attributes
    ----------
    numbers : what is told of every run with this probe; they read the findings in the records of its rounds.
    needs_classes : whether it has nothing to ask unless examples belong to classes.
    """

    numbers: ClassVar[tuple[Number, ...]] = ()
    needs_classes: ClassVar[bool] = False

    @abstractmethod
    def watch(self, run: Watched) -> Watch:
        """Whoever looks at a run.

        Raises
        ------
        InvalidConfig
            If the run lacks what the probe needs.
        """
