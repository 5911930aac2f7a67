"""What goes into local training and what comes out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

from fedprop.data.base import Examples
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training.parts import Parts
from fedprop.types import ClientId, Round, Vector


@dataclass(frozen=True)
class Shards:
    """Everybody's training data: one pool of examples, which of them each client holds, and what is learnt of it.

    Attributes
    ----------
    parts : which examples of the pool each client holds, as vectors of places.
    handed : how many of the examples of each client that holds any, the last ones, were handed out by the server.
    """

    pool: Examples
    parts: Sequence[Tensor]
    task: Task = CLASSIFICATION
    handed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", Parts(self.parts))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many examples each client holds."""
        return self._packed.sizes

    @property
    def held(self) -> Tensor:
        """The places of everybody's examples, client by client."""
        return self._packed.flat

    @property
    def _packed(self) -> Parts:
        assert isinstance(self.parts, Parts)
        return self.parts

    def count(self, client: ClientId) -> int:
        """How many examples a client trains on."""
        return self.sizes[client]

    def own(self, client: ClientId) -> Tensor:
        """Which examples of the pool a client holds that were not handed to it."""
        return self.parts[client][: self.owned(client)]

    def owned(self, client: ClientId) -> int:
        """How many these are: what an honest client claims to have."""
        return max(0, self.sizes[client] - self.handed)

    def handing_out(self, examples: Examples) -> "Shards":
        """The same data with these examples handed to every client that holds any."""
        size, extra = len(self.pool), len(examples)
        places = torch.arange(size, size + extra, device=self.pool.y.device)
        pool = Examples(torch.cat([self.pool.x, examples.x]), torch.cat([self.pool.y, examples.y]))
        parts = [torch.cat([part, places]) if len(part) else part for part in self.parts]
        return replace(self, pool=pool, parts=parts, handed=self.handed + extra)


@dataclass(eq=False, slots=True)
class Ticket:
    """A promise of local training: `client` works on task number `task`, for the global parameters `origin` [d].

    The task was given out in `round`, which decides the learning rate. What it yields depends on nothing but these, the
    client's data and the seed; above all not on which other tickets are trained together with it.

    Attributes
    ----------
    start : the model [d] that training starts from, for a client that does not trust `origin`; None for `origin`. The
        update is relative to `origin` all the same, and so is FedProx's pull.
    """

    client: ClientId
    task: int
    origin: Vector
    start: Vector | None = None
    round: Round = 0

    @property
    def first(self) -> Vector:
        """The model [d] that training starts from."""
        return self.origin if self.start is None else self.start


@dataclass(eq=False, slots=True)
class LocalResult:
    """What a client learnt: its update [d], of how many examples of its own, in how many steps, at which mean loss.

    Attributes
    ----------
    fits : the update was looked at: it is like the model it is relative to, and finite.
    """

    update: Vector
    examples: int
    steps: int
    loss: float
    fits: bool = False


Train: TypeAlias = Callable[[Sequence[Ticket]], list[LocalResult]]
"""Trains any number of tickets and returns their results in the same order."""
