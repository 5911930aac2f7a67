"""Which examples many clients see in each of their steps, as one table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

import torch
from torch import Tensor

Members: TypeAlias = slice | Tensor
"""Which clients of a stack take a step together."""


@dataclass(frozen=True, eq=False)
class Pass:
    """One step of k clients, whose batches hold up to b examples.

    Attributes
    ----------
    members : the clients' places in the stack.
    rows : their examples, as rows of the pool [k, b]; a shorter batch is padded with its own first example.
    real : which are examples [k, b] and not padding; None where nothing is padded.
    """

    members: Members
    rows: Tensor
    real: Tensor | None


class Schedule:
    """The steps of clients that train together.

    Those with more steps come first: then whoever has steps left is always a slice at the top of the stack.
    """

    def __init__(self, drawn: Tensor, sizes: Sequence[Sequence[int]]) -> None:
        """The rows of the pool that the batches hold, client by client and batch by batch, and all batches' sizes."""
        self._steps = [len(own) for own in sizes]
        self._first = torch.tensor([0, *accumulate(self._steps)][:-1])
        every = [size for own in sizes for size in own]
        self._sizes = torch.tensor(every)
        self._begins = torch.tensor([0, *accumulate(every)][:-1])
        self._drawn = drawn

    @property
    def steps(self) -> int:
        """The most steps that any client takes."""
        return self._steps[0]

    def passes(self, step: int, *, padded: bool) -> Iterator[Pass]:
        """The clients that take this step: all at once with padding, or in groups whose batches are of one size."""
        count = sum(own > step for own in self._steps)
        at = self._first[:count] + step
        sizes = self._sizes[at]
        if padded:
            yield self._pass(slice(count), at)
            return
        for size in torch.unique(sizes):
            group = torch.nonzero(sizes == size)[:, 0]
            yield self._pass(group.to(self._drawn.device), at[group])

    def _pass(self, members: Members, at: Tensor) -> Pass:
        sizes, column = self._sizes[at, None], torch.arange(int(self._sizes[at].max()))
        real = column < sizes
        # Padded with an own example: any other could be infinitely wrong, and zero times infinity is not zero.
        # An empty batch may begin where all examples end; where every one is empty there are no columns.
        begins = self._begins[at, None].clamp(max=max(0, len(self._drawn) - 1))
        places = begins + torch.where(real, column, 0)
        device = self._drawn.device
        return Pass(members, self._drawn[places.to(device)], None if bool(real.all()) else real.to(device))
