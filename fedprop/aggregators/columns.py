"""Rows that are visited in blocks of columns: in memory, on disk, or worked out as they are asked for."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from fedprop.cores import cores, start_threads
from fedprop.kernels import loops
from fedprop.types import Updates, Vector

BLOCK_ELEMENTS = 1 << 18
"""Entries per block: 1 MiB in float32, so that what one core works on stays in its cache."""

CUDA_BLOCK_ELEMENTS = 1 << 22
"""Entries per block on a GPU, which wants fewer and larger ones."""

FEW_BLOCKS = 8
"""Maximum blocks without threads; up to this, starting threads and stopping them costs more than they save."""

ROUNDED_ONE = 1 + 1e-9
"""Weights that add up to one may do so but for rounding."""

AHEAD = 2
"""Maximum blocks per thread begun and not yet collected; two keep a thread busy, more would only fill memory."""

T = TypeVar("T")

Spans: TypeAlias = list[tuple[int, int]]
"""The first and one past the last column of some blocks."""


@runtime_checkable
class Passes(Protocol):
    """Who makes passes in the place of this process's threads."""

    def each(self, work: Callable[[Tensor], T], rows: "Rows", spans: Spans) -> Iterator[T]:
        """`work` on each block, in the order of the spans."""
        ...

    def sums(self, work: Callable[[Tensor], Tensor], rows: "Rows", spans: Spans) -> Iterator[Tensor]:
        """Sums of `work` over neighbouring blocks, in the order of the spans."""
        ...


_elements: ContextVar[int | None] = ContextVar("elements", default=None)
_passes: ContextVar[Passes | None] = ContextVar("passes", default=None)


class Columns(ABC):
    """A matrix [n, d] of finite numbers that is read a few columns at a time.

    A new source sets the three attributes and defines `read` and `take`. A tensor needs no wrapper: all that passes
    over rows takes `Rows`, a tensor or a source, and goes through `map_blocks`, `column_blocks`, `take` and `mix`.

    Attributes
    ----------
    shape : (n, d).
    dtype : that of the blocks, float32 or float64.
    device : that of the blocks.
    """

    shape: torch.Size
    dtype: torch.dtype
    device: torch.device

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def read(self, start: int, stop: int) -> Tensor:
        """Columns `start` to before `stop` of all rows, a tensor [n, stop - start] that the caller may not change."""

    @abstractmethod
    def take(self, rows: Tensor) -> "Columns":
        """The rows with these indices, in this order, without a copy of them."""


Rows: TypeAlias = Updates | Columns
"""What a pass can be made over."""


@contextmanager
def blocks_of(elements: int) -> Iterator[None]:
    """Passes made inside take blocks of so many entries, and at least one column, instead."""
    token = _elements.set(elements)
    try:
        yield
    finally:
        _elements.reset(token)


@contextmanager
def passes_by(others: Passes | None) -> Iterator[None]:
    """Passes over sources of columns made inside are made by others, if any; those over tensors never are."""
    token = _passes.set(others)
    try:
        yield
    finally:
        _passes.reset(token)


def column_spans(rows: Rows, columns: int | None = None) -> Iterator[tuple[int, int]]:
    """The first and one past the last column of each block, in order.

    A block has so many `columns`, or else at most `BLOCK_ELEMENTS` entries; inside `blocks_of` what is said there.
    """
    n, d = rows.shape
    usual = CUDA_BLOCK_ELEMENTS if rows.device.type == "cuda" else BLOCK_ELEMENTS
    elements = _elements.get() or (usual if columns is None else columns * n)
    width = max(1, elements // n)
    return ((start, min(start + width, d)) for start in range(0, d, width))


def read(rows: Rows, start: int, stop: int) -> Tensor:
    """Columns `start` to before `stop` of all rows; a view if the rows are a tensor."""
    return rows.read(start, stop) if isinstance(rows, Columns) else rows[:, start:stop]


def column_blocks(rows: Rows) -> Iterator[Tensor]:
    """Tensors [n, w] that cover the columns of `rows` [n, d] in order; each has at most `BLOCK_ELEMENTS` entries."""
    return (read(rows, *span) for span in column_spans(rows))


def map_blocks(work: Callable[[Tensor], T], rows: Rows, columns: int | None = None) -> Iterator[T]:
    """`work` on each of the `column_blocks` of `rows`, or on blocks of so many `columns`, in the order of the columns.

    On a CPU many blocks are read and worked on by as many threads as there are `cores`, each of which computes alone:
    independent blocks disturb each other less than threads that meet after every operation. `FEW_BLOCKS` are worked on
    one after the other.
    """
    if isinstance(rows, Columns) and (others := _passes.get()) is not None:
        return others.each(work, rows, list(column_spans(rows, columns)))
    return map_spans(lambda start, stop: work(read(rows, start, stop)), rows, columns)


def in_one_block(rows: Rows) -> bool:
    """Whether a pass takes all columns at once: those of a small tensor, unless other blocks are asked for."""
    return isinstance(rows, Tensor) and 0 < rows.numel() <= BLOCK_ELEMENTS and _elements.get() is None


def add_blocks(total: Tensor, work: Callable[[Tensor], Tensor], rows: Rows) -> Tensor:
    """`total`, to which `work` on each of the `column_blocks` of `rows` has been added."""
    if in_one_block(rows):
        total += work(rows)  # type: ignore[arg-type]
        return total
    others = _passes.get() if isinstance(rows, Columns) else None
    for part in map_blocks(work, rows) if others is None else others.sums(work, rows, list(column_spans(rows))):
        total += part
    return total


def map_spans(work: Callable[[int, int], T], rows: Rows, columns: int | None = None) -> Iterator[T]:
    """As `map_blocks`, but `work` is told the first and one past the last column of a block, and reads it itself."""
    if columns is None and in_one_block(rows):
        yield work(0, rows.shape[1])
        return
    spans = tuple(column_spans(rows, columns))
    if len(spans) <= FEW_BLOCKS or rows.device.type == "cuda" or (threads := min(len(spans), cores())) == 1:
        yield from (work(*span) for span in spans)
        return
    with start_threads(threads) as pool:
        begun: deque[Future[T]] = deque()
        for span in spans:
            begun.append(pool.submit(work, *span))
            if len(begun) > AHEAD * threads:
                yield begun.popleft().result()
        yield from (block.result() for block in begun)


class Loops(NamedTuple):
    """Compiled loops, and what they are called on.

    Attributes
    ----------
    code : a module of `fedprop.kernels`.
    rows : a matrix [m, d] in memory, in one piece.
    used : the indices [n] of the rows meant.
    """

    code: Any
    rows: NDArray[np.float32]
    used: NDArray[np.int64]


def compiled_loops(name: str, rows: Rows) -> Loops | None:
    """The loops of `fedprop.kernels` of this name, if they take these rows: float32 on a CPU, some rows of a tensor."""
    whole = rows.rows if isinstance(rows, TakenRows) else rows
    if not isinstance(whole, Tensor) or whole.device.type != "cpu" or whole.dtype != torch.float32:
        return None
    code = loops(name, rows.shape.numel()) if whole.is_contiguous() else None
    if code is None:
        return None
    return Loops(code, whole.numpy(), rows.indices.numpy() if isinstance(rows, TakenRows) else np.arange(len(rows)))


def take(rows: Rows, indices: Int[Tensor, " k"]) -> Rows:
    """The rows with these indices, in this order, copied block by block as they are read; `rows` if these are all."""
    if indices.tolist() == list(range(len(rows))):
        return rows
    return rows.take(indices) if isinstance(rows, Columns) else TakenRows(rows, indices)


def mix(weights: Float[Tensor, "k n"], rows: Rows) -> Float[Tensor, "k d"]:
    """`weights` [k, n] @ `rows` [n, d], summed in float64, in the dtype of `rows`.

    Rows without weight are left out rather than multiplied by zero: a row of weights that is one for a single row
    gives that row back bit for bit, and a rule that keeps few rows reads few. Rows that are mixtures themselves are
    not worked out one by one.
    """
    while isinstance(rows, MixedRows):
        weights, rows = weights.double() @ rows.mixing, rows.rows
    if isinstance(rows, AddedRows) and len(rows.other) == 1:
        # The row added to all is added once, in the end.
        share = rows.factor * weights.double().sum(dim=1, keepdim=True)
        return mix(weights, rows.rows).double() + share * read(rows.other, 0, rows.shape[1])
    used = (weights[0] if len(weights) == 1 else weights.any(dim=0)).nonzero().flatten()
    if used.shape[0] == 1 and in_one_block(rows):
        # One row of a single block: what follows would come to the same.
        row = int(used)
        return _mixed(weights[:, row : row + 1].double(), read(rows, 0, rows.shape[1])[row : row + 1])
    if used.shape[0] == len(weights) == 1 and isinstance(rows, Tensor) and float(weights[0, used]) == 1:
        return rows[used]
    mixed = torch.zeros(len(weights), rows.shape[1], dtype=rows.dtype, device=rows.device)
    if used.shape[0]:
        shares, chosen = weights[:, used].double(), take(rows, used)
        if len(shares) == 1 and used.shape[0] > 1 and (found := compiled_loops("mixing", chosen)) is not None:
            _add_rows(found, shares[0], chosen, mixed[0])
        else:
            fill(mixed, map_blocks(lambda block: _mixed(shares, block), chosen))
    return mixed


def _add_rows(loops: Loops, shares: Float[Tensor, " n"], rows: Rows, out: Vector) -> None:
    """Write the sum of shares times rows to `out` [d], each block of columns on its own."""
    told, largest, into = (loops.rows, loops.used, shares.numpy()), torch.finfo(rows.dtype).max, out.numpy()
    for _ in map_spans(lambda start, stop: loops.code.add_rows(*told, start, stop, largest, into), rows):
        pass


def fill(out: Tensor, parts: Iterable[Tensor]) -> Tensor:
    """Write `parts`, which have consecutive columns, over the columns of `out`, and give it back."""
    start = 0
    for part in parts:
        out[..., start : start + part.shape[-1]] = part
        start += part.shape[-1]
    return out


def in_memory(rows: Rows) -> Updates:
    """The rows as a tensor."""
    if isinstance(rows, Tensor):
        return rows
    return fill(torch.empty(rows.shape, dtype=rows.dtype, device=rows.device), map_blocks(lambda block: block, rows))


def _mixed(weights: Tensor, block: Tensor) -> Tensor:
    if len(block) == 1:
        return (weights * block).to(block.dtype)
    mixed = weights @ block.double()
    if block.dtype == torch.float64 or not bool((weights >= 0).all() and (weights.sum(dim=1) <= ROUNDED_ONE).all()):
        mixed = within_range(mixed, block.dtype)
    return mixed.to(block.dtype)


def within_range(sums: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Sums of finite numbers, in float64, which can have gone beyond the largest of their own `dtype`."""
    largest = torch.finfo(dtype).max
    return sums.clamp_(-largest, largest)


class TakenRows(Columns):
    """Some of the rows."""

    def __init__(self, rows: Rows, indices: Int[Tensor, " k"]) -> None:
        self.rows, self.indices = rows, indices
        self.shape, self.dtype, self.device = torch.Size((len(indices), rows.shape[1])), rows.dtype, rows.device

    def read(self, start: int, stop: int) -> Tensor:
        return read(self.rows, start, stop)[self.indices]

    def take(self, rows: Tensor) -> "TakenRows":
        return TakenRows(self.rows, self.indices[rows])


class MixedRows(Columns):
    """`mixing` [k, n] @ `rows` [n, d], worked out in float64 block by block, so that no second matrix is held."""

    def __init__(self, mixing: Float[Tensor, "k n"], rows: Rows) -> None:
        self.mixing, self.rows = mixing.double(), rows
        self.shape, self.dtype, self.device = torch.Size((len(mixing), rows.shape[1])), rows.dtype, rows.device

    def read(self, start: int, stop: int) -> Tensor:
        # A block of few mixtures has many columns; of the rows mixed, which may be many more, no more are read at once.
        width = max(1, BLOCK_ELEMENTS // len(self.rows))
        spans = [(first, min(first + width, stop)) for first in range(start, stop, width)]
        return torch.cat([_mixed(self.mixing, read(self.rows, *span)) for span in spans], dim=1)

    def take(self, rows: Tensor) -> "MixedRows":
        return MixedRows(self.mixing[rows], self.rows)


class ScaledRows(Columns):
    """`factors` [n] times `rows` [n, d], row by row, in the dtype of the rows.

    A product beyond the largest number of that dtype is that number.
    """

    def __init__(self, factors: Float[Tensor, " n"], rows: Rows) -> None:
        self.factors, self.rows = factors, rows
        self.shape, self.dtype, self.device = rows.shape, rows.dtype, rows.device
        self._may_overflow = bool((factors > 1).any())

    def read(self, start: int, stop: int) -> Tensor:
        scaled = read(self.rows, start, stop) * self.factors[:, None]
        return (within_range(scaled, self.dtype) if self._may_overflow else scaled).to(self.dtype)

    def take(self, rows: Tensor) -> "ScaledRows":
        return ScaledRows(self.factors[rows], take(self.rows, rows))


class AddedRows(Columns):
    """`rows` [n, d] plus `factor` times `other`, one row for all [1, d] or one for each [n, d], in float64.

    So rows are seen from a point, if that is subtracted, or together with what is remembered of their senders. A sum
    beyond the largest number of float64 is that number.
    """

    def __init__(self, rows: Rows, other: Float[Tensor, "k d"] | Columns, factor: float = 1.0) -> None:
        self.rows, self.other, self.factor = rows, other, factor
        self.shape, self.dtype, self.device = rows.shape, torch.float64, rows.device
        self._may_overflow = torch.float64 in (rows.dtype, other.dtype)

    def read(self, start: int, stop: int) -> Tensor:
        block, other = read(self.rows, start, stop).double(), read(self.other, start, stop)
        added = block.add(other.double(), alpha=self.factor)
        return within_range(added) if self._may_overflow else added

    def take(self, rows: Tensor) -> "AddedRows":
        other = self.other if len(self.other) == 1 else take(self.other, rows)
        return AddedRows(take(self.rows, rows), other, self.factor)


class JoinedRows(Columns):
    """The rows of one matrix, followed by those of others with as many columns."""

    def __init__(self, *parts: Float[Tensor, "_ d"] | Columns, dtype: torch.dtype | None = None) -> None:
        self.parts = parts
        self.shape = torch.Size((sum(len(part) for part in parts), *parts[0].shape[1:]))
        self.dtype, self.device = dtype or parts[0].dtype, parts[0].device
        for part in parts[1:]:
            self.dtype = torch.promote_types(self.dtype, part.dtype)

    def read(self, start: int, stop: int) -> Tensor:
        return torch.cat([read(part, start, stop).to(self.dtype) for part in self.parts])

    def take(self, rows: Tensor) -> Columns:
        # Of parts that none is taken from nothing is read: a block of few rows has many columns.
        lengths = [len(part) for part in self.parts]
        owners = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths)).to(rows.device)[rows]
        starts = [sum(lengths[:number]) for number in range(len(lengths))]
        chosen = [take(self.parts[k], rows[owners == k] - starts[k]) for k in sorted(set(owners.tolist()))]
        if not chosen:
            return TakenRows(self, rows)
        joined, places = JoinedRows(*chosen, dtype=self.dtype), owners.argsort(stable=True).argsort()
        return joined if places.equal(torch.arange(len(rows), device=rows.device)) else TakenRows(joined, places)
