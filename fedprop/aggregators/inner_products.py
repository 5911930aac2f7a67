"""Inner products of all pairs of rows, in float64, close to the machine's rate of multiplication, and lengths."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedprop.aggregators.columns import BLOCK_ELEMENTS, Rows, add_blocks, compiled_loops, map_spans
from fedprop.types import Gram, Weights

STRIP, TILE, DEPTH = 12, 100, 216
"""Products are made in tiles: these many rows by these many rows, over these many columns.

NumPy's OpenBLAS multiplies matrices of at most 1200 results without copying them first, which here makes them half as
fast again, and starts no threads for less than 2^18 multiplications: each block of columns has its own thread already.
"""

LARGER, ENOUGH = 4, 64
"""Compiled loops copy nothing, so their blocks may be so much larger as long as there are so many: each costs a sum."""


def inner_products(rows: Rows, centre: int | None = None) -> Gram:
    """Inner products [n, n] in float64 of `rows` [n, d], seen from row `centre` or else from the origin.

    Exact for integers as long as their products add up to less than 2^53; infinite or NaN where float64 overflows.
    """
    total = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    _add_all_products(total, rows, centre)
    return total.triu() + total.triu(1).T


def _add_all_products(total: Tensor, rows: Rows, centre: int | None) -> None:
    """Add the inner products of all blocks of columns; those below the diagonal may mean nothing."""
    loops = compiled_loops("gram", rows) if centre is None else None
    if loops is not None:
        code, values, used = loops
        columns = max(1, BLOCK_ELEMENTS // len(used))
        columns = max(columns, min(LARGER * columns, rows.shape[1] // ENOUGH))
        columns -= columns % code.WIDTH if columns > code.WIDTH else 0
        for found in map_spans(
            lambda start, stop: torch.from_numpy(code.upper_products(values, used, start, stop)), rows, columns
        ):
            total += found
        return

    def products(block: Tensor) -> Tensor:
        origin = None if centre is None else block[centre]
        return _with_torch(block, origin) if block.is_cuda else _with_numpy(block, origin)

    add_blocks(total, products, rows)


def products_with(hub: int, rows: Rows) -> Gram:
    """Inner products [n, n] in float64 of row `hub` with each row, and of each with itself; 0 where nobody asks.

    A pass that makes n products a column rather than n squared.
    """
    total = torch.zeros(2, len(rows), dtype=torch.float64, device=rows.device)
    add_blocks(total, lambda block: _with_one(block.double(), hub), rows)
    gram = total[1].diag()
    gram[hub], gram[:, hub] = total[0], total[0]
    return gram


def _with_one(block: Tensor, hub: int) -> Tensor:
    return torch.stack([block @ block[hub], block.square().sum(dim=1)])


def lengths(rows: Rows) -> Weights:
    """The Euclidean length [n] in float64 of each row; infinite or zero where its square is beyond float64."""
    squares = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
    add_blocks(squares, lambda b: torch.linalg.vector_norm(b, dim=1, dtype=torch.float64).square(), rows)
    return squares.sqrt()


def _with_torch(block: Tensor, origin: Tensor | None) -> Tensor:
    seen = block.double() if origin is None else block.double() - origin
    return seen @ seen.T


def _with_numpy(block: Tensor, origin: Tensor | None) -> Tensor:
    """The inner products of a block's rows on and above the diagonal; what is below it means nothing."""
    n, d = block.shape
    if n <= STRIP and d <= DEPTH:
        return _of_one_tile(block, origin)
    panels = -(-d // DEPTH)
    depth = -(-d // panels)
    seen, total = np.zeros((n, panels * depth)), np.zeros((n, n))
    seen[:, :d] = block.numpy()
    if origin is not None:
        seen[:, :d] -= origin.double().numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        _add_products(total, seen.reshape(n, panels, depth).transpose(1, 0, 2))
    return torch.from_numpy(total)


def _of_one_tile(block: Tensor, origin: Tensor | None) -> Tensor:
    """As `_with_numpy`, where that is a single product of matrices."""
    seen = np.array(block.numpy(), dtype=np.float64, order="C")
    if origin is not None:
        seen -= origin.double().numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        return torch.from_numpy(seen @ seen.T)


def _add_products(total: NDArray[np.float64], seen: NDArray[np.float64]) -> None:
    """Add the inner products of the rows of `seen` [panels, n, depth] to the tiles on `total`'s diagonal or above."""
    n = len(total)
    for i in range(0, n, STRIP):
        for j in range(i, n, TILE):
            products = seen[:, i : i + STRIP] @ seen[:, j : j + TILE].transpose(0, 2, 1)
            total[i : i + STRIP, j : j + TILE] += products.sum(axis=0)
