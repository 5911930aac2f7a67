"""The sorting network as one GPU kernel: each thread reads one column, orders it in registers, and writes one number.

So the rows are read once and nothing else is stored, which is the least that any kernel can do. Triton compiles the
network, unrolled, when it is first needed, and keeps it on disk. For 64 rows that takes seconds, but for 128 minutes:
more rows are sorted by torch instead, and there are kernels for few numbers of rows, which others are filled up to.
"""

import linecache
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from fedprop.aggregators.columns import Rows
from fedprop.aggregators.sorting_network import network

KERNELS = (8, 16, 24, 32, 48, 64)
"""Registers that a column may take: float32 needs one for each row, float64 two."""

THREADS = 128
"""Columns that one program orders."""


def fits(rows: Rows) -> bool:
    """Whether the kernel takes these rows [n, d]: on a GPU, not too many, and where Triton can compile."""
    return rows.device.type == "cuda" and _registers(rows) <= KERNELS[-1] and _works(rows.device)


@cache
def _works(device: torch.device) -> bool:
    """Whether Triton is installed and finds what it needs to compile, such as a C compiler; tried once."""
    if find_spec("triton") is None:
        return False
    try:
        mean_in_registers(torch.zeros(1, 1, device=device), range(1))
    except Exception as error:
        # Any of many parts may be missing or too old, and each says so in a way of its own.
        warnings.warn(f"Triton cannot compile here, so rows are sorted: {error}", RuntimeWarning, stacklevel=2)
        return False
    return True


def mean_in_registers(rows: Tensor, used: range) -> Tensor:
    """In each column of `rows` [n, d], the mean [d] of the order statistics `used`, worked out in float64."""
    n, d = rows.shape
    size = next(size for size in KERNELS if size >= _registers(rows)) * n // _registers(rows)
    shares = torch.zeros(size, dtype=torch.float64)
    shares[used.start : used.stop] = 1 / len(used)
    means = torch.empty(d, dtype=rows.dtype, device=rows.device)
    with torch.cuda.device_of(rows):  # type: ignore[no-untyped-call]
        launch = _kernel(size, rows.dtype)[(-(-d // THREADS),)]
        launch(rows, shares.to(rows.device), means, n, d, *rows.stride(), COLUMNS=THREADS, num_warps=THREADS // 32)
    return means


def _registers(rows: Rows) -> int:
    """How many registers hold one column."""
    return len(rows) * rows.dtype.itemsize // 4


@cache
def _kernel(size: int, dtype: torch.dtype) -> Any:
    """The kernel for up to `size` rows, ready to be launched."""
    text = "\n".join(source(size, dtype)) + "\n"
    # Triton reads the text of the function that it compiles, so Python must be able to find it.
    name = f"<sorting network of {size} rows of {dtype}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Callable[..., None]] = {}
    exec(compile(text, name, "exec"), {"tl": import_module("triton.language")}, names)  # noqa: S102 (our own text)
    # Of what it is called with, only neighbouring columns make for a better kernel: those of a stride of one.
    return import_module("triton").jit(names["mean_of_ordered"], do_not_specialize=("n", "d", "row_stride"))


def source(size: int, dtype: torch.dtype) -> Iterator[str]:
    """The kernel's lines. What is filled up sorts to the end, where the shares are zero."""
    yield "def mean_of_ordered(rows, shares, means, n, d, row_stride, column_stride, COLUMNS: tl.constexpr):"
    yield "    column = tl.program_id(0).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS)"
    yield "    there = column < d"
    yield "    at = rows + column * column_stride"
    for row in range(size):
        yield f"    v{row} = tl.load(at, mask=there & ({row} < n), other={torch.finfo(dtype).max})"
        yield "    at += row_stride"
    for first, second, _, _ in network(size, range(size)):
        one, other = f"v{first}", f"v{second}"
        yield f"    {one}, {other} = tl.minimum({one}, {other}), tl.maximum({one}, {other})"
    for place in range(size):
        yield f"    {'total +=' if place else 'total ='} v{place}.to(tl.float64) * tl.load(shares + {place})"
    yield "    tl.store(means + column, total, mask=there)"
