"""Whoever looks at a run for what it gives away, without taking part in it.

A probe is a kind: its settings say what it looks for, `watch` hands it what it needs of the run, and it answers with
findings, which are plain data. Its numbers read them; its pictures stand with those of the report.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol

from torch import Tensor, nn

from fedprop.data.base import Examples
from fedprop.errors import InvalidConfig
from fedprop.metrics import Number
from fedprop.tasks import Task
from fedprop.types import ClientId, Kind, Round, Vector


class Sent(NamedTuple):
    """An update that the server accepted, as whoever listens on the link has it.

    Attributes
    ----------
    origin : the model [d] that the client was sent.
    update : what it sent back [d].
    examples, steps : what it claims to have trained on, and how long.
    start : the model [d] that it trained from where it does not trust the one sent, as under SIREN+ after an alarm: its
        own last one, which whoever listens knows; None for the one sent.
    """

    origin: Vector
    update: Vector
    examples: int
    steps: int
    start: Vector | None = None

    @property
    def first(self) -> Vector:
        """The model [d] that training began with."""
        return self.origin if self.start is None else self.start

    @property
    def learnt(self) -> Vector:
        """How training moved it [d]: along gradients that were taken from there on."""
        return self.update if self.start is None else self.local - self.start

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


class Recipe(Protocol):
    """What everybody in a run knows of how clients train; see `fedprop.training.LocalTraining`."""

    @property
    def optimizer(self) -> str: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def momentum(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def proximal(self) -> float: ...

    def rate(self, round: Round) -> float:
        """The learning rate of tasks given out in a round."""
        ...

    def count_steps(self, examples: int) -> int:
        """The number of steps of a client with that many examples."""
        ...


class Watched(NamedTuple):
    """What a probe may know of a run before it begins, to ask its questions and to judge its own answers.

    Attributes
    ----------
    module : the model whose parameters the run exchanges.
    task, training : what is learnt, and how.
    pool, parts : everybody's training data, and which of it each client holds.
    outsiders : examples nobody trains on.
    seed : decides whatever the probe draws.
    server_rate : by what the server multiplies an aggregate for its step; None where its step is no multiple of that.
    """

    module: nn.Module
    task: Task
    training: Recipe
    pool: Examples
    parts: Sequence[Tensor]
    outsiders: Examples
    seed: int
    server_rate: float | None = 1.0


class Probe(Kind, ABC):
    """Base of all probes.

    Attributes
    ----------
    numbers : what is told of every run with this probe; they read the findings in the records of its rounds.
    needs_classes : whether it has nothing to ask unless examples belong to classes.
    compares : whether it tells clients from each other, and so needs the updates of several.
    knows, stands : what it must know, and where, for lists.
    """

    numbers: ClassVar[tuple[Number, ...]] = ()
    needs_classes: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    knows: ClassVar[str] = ""
    stands: ClassVar[str] = ""

    @property
    def told_as(self) -> str:
        """The kind of probe that its findings name."""
        return self.kind

    @abstractmethod
    def watch(self, run: Watched) -> Watch:
        """Whoever looks at a run.

        Raises
        ------
        InvalidConfig
            If the run lacks what the probe needs.
        """


def of_probe(probe: Probe) -> Mapping[str, str]:
    """What lists tell of a probe: what it must know, and where it stands."""
    return {"knows": probe.knows, "stands": probe.stands}


def only_plain_descent(run: Watched, kind: str) -> None:
    """Refuse a run whose clients do more than follow gradients, which a probe of this kind could not imitate.

    Raises
    ------
    InvalidConfig
        If they do.
    """
    training = run.training
    if training.optimizer != "sgd":
        raise InvalidConfig(f"`inference.kind` {kind} needs `training.optimizer` sgd; found {training.optimizer}")
    for name in ("momentum", "weight_decay", "proximal"):
        if found := getattr(training, name):
            raise InvalidConfig(f"`inference.kind` {kind} needs `training.{name}` 0, plain descent; found {found}")


def sees_every_example(run: Watched, client: ClientId) -> None:
    """Refuse a client whose update comes from some of its examples only: nobody could say whose labels it has.

    Raises
    ------
    InvalidConfig
        If there is no such client, or its steps leave examples out.
    """
    is_a_client(run, client)
    held = len(run.parts[client])
    taken = run.training.batch_size * run.training.count_steps(held)
    if taken < held:
        raise InvalidConfig(
            f"`inference` needs a client that trains on all its examples; a batch is drawn from {held}, {taken} at most"
        )


def is_a_client(run: Watched, client: ClientId, setting: str = "client") -> None:
    """Refuse an id that is no client's, as this setting of a probe.

    Raises
    ------
    InvalidConfig
        If there is none.
    """
    if client >= len(run.parts):
        raise InvalidConfig(f"`inference.{setting}` must be a client's id, below {len(run.parts)}; found {client}")
