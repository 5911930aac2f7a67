"""Passes over rows by actors on a Ray cluster, for rows that no single process should read.

`with passes_on_ray(): Krum(f=2)(SafetensorsRows(paths))`. Each actor reads the blocks of columns that it works on; what
comes back is a part of the answer, or of a matrix of inner products. The files must lie at the same place on all nodes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import add
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from fedprop.aggregators.columns import Rows, Spans, passes_by, read
from fedprop.cluster.crew import RayCrew, Shared

T = TypeVar("T")

PIECE = 32
"""Blocks that an actor gets at a time, some 32 MiB: to hand them over costs a thousandth of reading them.

Sums are made piece by piece, so that they do not depend on the number of actors.
"""


@contextmanager
def passes_on_ray(actors: int | None = None) -> Iterator[None]:
    """Rules called inside pass over sources of columns by so many actors; None for one on each processor.

    A coordinate-wise rule answers as it does without them, to the bit. Inner products differ in the last bits, since
    they are added up in another order, and do not depend on the number of actors. The cluster is the one that
    RAY_ADDRESS names or this machine belongs to, or else a new one on this machine.

    Raises
    ------
    InvalidConfig
        If there is no Ray.
    """
    with passes_by(_OnRay(RayCrew(_Reader, "a pass over rows", count=actors))):
        yield


class _Reader:
    """What an actor holds: nothing, but one thread."""

    def __init__(self) -> None:
        torch.set_num_threads(1)


class _Piece(NamedTuple):
    """Some blocks of rows, and what is to be done with each."""

    task: Shared[tuple[Callable[[Tensor], Any], Rows]]
    spans: Spans


class _OnRay:
    """See `fedprop.aggregators.columns.Passes`."""

    def __init__(self, crew: RayCrew[_Reader]) -> None:
        self._crew = crew

    def each(self, work: Callable[[Tensor], T], rows: Rows, spans: Spans) -> Iterator[T]:
        for found in self._crew.map(_each, self._pieces(work, rows, spans)):
            yield from found

    def sums(self, work: Callable[[Tensor], Tensor], rows: Rows, spans: Spans) -> Iterator[Tensor]:
        yield from self._crew.map(_sum, self._pieces(work, rows, spans))

    def _pieces(self, work: Callable[[Tensor], Any], rows: Rows, spans: Spans) -> list[_Piece]:
        task = self._crew.share((work, rows))
        return [_Piece(task, spans[i : i + PIECE]) for i in range(0, len(spans), PIECE)]


def _each(reader: _Reader, piece: _Piece) -> list[Any]:
    work, rows = piece.task.value()
    return [work(read(rows, *span)) for span in piece.spans]


def _sum(reader: _Reader, piece: _Piece) -> Tensor:
    work, rows = piece.task.value()
    parts: Iterator[Tensor] = (work(read(rows, *span)) for span in piece.spans)
    return reduce(add, parts)
