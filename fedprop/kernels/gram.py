"""Inner products of rows in float64: a tile of them at a time, added up in the processor's registers.

A tile of 5 by 5 sums needs 25 registers and few others, so each number that is loaded serves five products; one on the
diagonal holds each product once. Where a processor has only 16 registers, all tiles are 2 by 5. Rows in float32 are
widened as they are loaded.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fedprop.kernels.compiling import MANY, compiled, registers

Rows: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int64]
Sums: TypeAlias = NDArray[np.float64]

WIDTH = 2048
"""Columns that all tiles go over before any goes on: of 100 rows, these are 800 KiB, which a core's own cache holds."""

BEYOND = 4
"""Rows and columns that tiles at the end reach beyond the last row; what is there means nothing."""


@compiled(in_any_order=True)
def _five_by_five(rows: Rows, used: Indices, i: int, j: int, start: int, stop: int, total: Sums) -> None:
    """The products of five rows from `i` on with five from `j` on."""
    last = len(used) - 1
    u0 = rows[used[i], start:stop]
    u1 = rows[used[min(i + 1, last)], start:stop]
    u2 = rows[used[min(i + 2, last)], start:stop]
    u3 = rows[used[min(i + 3, last)], start:stop]
    u4 = rows[used[min(i + 4, last)], start:stop]
    v0 = rows[used[j], start:stop]
    v1 = rows[used[min(j + 1, last)], start:stop]
    v2 = rows[used[min(j + 2, last)], start:stop]
    v3 = rows[used[min(j + 3, last)], start:stop]
    v4 = rows[used[min(j + 4, last)], start:stop]
    s00 = s01 = s02 = s03 = s04 = 0.0
    s10 = s11 = s12 = s13 = s14 = 0.0
    s20 = s21 = s22 = s23 = s24 = 0.0
    s30 = s31 = s32 = s33 = s34 = 0.0
    s40 = s41 = s42 = s43 = s44 = 0.0
    for k in range(stop - start):
        b0, b1, b2, b3, b4 = (
            np.float64(v0[k]),
            np.float64(v1[k]),
            np.float64(v2[k]),
            np.float64(v3[k]),
            np.float64(v4[k]),
        )
        a = np.float64(u0[k])
        s00 += a * b0
        s01 += a * b1
        s02 += a * b2
        s03 += a * b3
        s04 += a * b4
        a = np.float64(u1[k])
        s10 += a * b0
        s11 += a * b1
        s12 += a * b2
        s13 += a * b3
        s14 += a * b4
        a = np.float64(u2[k])
        s20 += a * b0
        s21 += a * b1
        s22 += a * b2
        s23 += a * b3
        s24 += a * b4
        a = np.float64(u3[k])
        s30 += a * b0
        s31 += a * b1
        s32 += a * b2
        s33 += a * b3
        s34 += a * b4
        a = np.float64(u4[k])
        s40 += a * b0
        s41 += a * b1
        s42 += a * b2
        s43 += a * b3
        s44 += a * b4
    total[i, j] += s00
    total[i, j + 1] += s01
    total[i, j + 2] += s02
    total[i, j + 3] += s03
    total[i, j + 4] += s04
    total[i + 1, j] += s10
    total[i + 1, j + 1] += s11
    total[i + 1, j + 2] += s12
    total[i + 1, j + 3] += s13
    total[i + 1, j + 4] += s14
    total[i + 2, j] += s20
    total[i + 2, j + 1] += s21
    total[i + 2, j + 2] += s22
    total[i + 2, j + 3] += s23
    total[i + 2, j + 4] += s24
    total[i + 3, j] += s30
    total[i + 3, j + 1] += s31
    total[i + 3, j + 2] += s32
    total[i + 3, j + 3] += s33
    total[i + 3, j + 4] += s34
    total[i + 4, j] += s40
    total[i + 4, j + 1] += s41
    total[i + 4, j + 2] += s42
    total[i + 4, j + 3] += s43
    total[i + 4, j + 4] += s44


@compiled(in_any_order=True)
def _triangle(rows: Rows, used: Indices, i: int, j: int, start: int, stop: int, total: Sums) -> None:
    """The products of five rows from `i` on with each other, each once; `j` is `i`."""
    last = len(used) - 1
    u0 = rows[used[i], start:stop]
    u1 = rows[used[min(i + 1, last)], start:stop]
    u2 = rows[used[min(i + 2, last)], start:stop]
    u3 = rows[used[min(i + 3, last)], start:stop]
    u4 = rows[used[min(i + 4, last)], start:stop]
    s00 = s01 = s02 = s03 = s04 = 0.0
    s11 = s12 = s13 = s14 = 0.0
    s22 = s23 = s24 = 0.0
    s33 = s34 = 0.0
    s44 = 0.0
    for k in range(stop - start):
        a0, a1, a2, a3, a4 = (
            np.float64(u0[k]),
            np.float64(u1[k]),
            np.float64(u2[k]),
            np.float64(u3[k]),
            np.float64(u4[k]),
        )
        s00 += a0 * a0
        s01 += a0 * a1
        s02 += a0 * a2
        s03 += a0 * a3
        s04 += a0 * a4
        s11 += a1 * a1
        s12 += a1 * a2
        s13 += a1 * a3
        s14 += a1 * a4
        s22 += a2 * a2
        s23 += a2 * a3
        s24 += a2 * a4
        s33 += a3 * a3
        s34 += a3 * a4
        s44 += a4 * a4
    total[i, i] += s00
    total[i, i + 1] += s01
    total[i, i + 2] += s02
    total[i, i + 3] += s03
    total[i, i + 4] += s04
    total[i + 1, i + 1] += s11
    total[i + 1, i + 2] += s12
    total[i + 1, i + 3] += s13
    total[i + 1, i + 4] += s14
    total[i + 2, i + 2] += s22
    total[i + 2, i + 3] += s23
    total[i + 2, i + 4] += s24
    total[i + 3, i + 3] += s33
    total[i + 3, i + 4] += s34
    total[i + 4, i + 4] += s44


@compiled(in_any_order=True)
def _two_by_five(rows: Rows, used: Indices, i: int, j: int, start: int, stop: int, total: Sums) -> None:
    """The products of two rows from `i` on with five from `j` on."""
    last = len(used) - 1
    u0 = rows[used[i], start:stop]
    u1 = rows[used[min(i + 1, last)], start:stop]
    v0 = rows[used[j], start:stop]
    v1 = rows[used[min(j + 1, last)], start:stop]
    v2 = rows[used[min(j + 2, last)], start:stop]
    v3 = rows[used[min(j + 3, last)], start:stop]
    v4 = rows[used[min(j + 4, last)], start:stop]
    s00 = s01 = s02 = s03 = s04 = 0.0
    s10 = s11 = s12 = s13 = s14 = 0.0
    for k in range(stop - start):
        b0, b1, b2, b3, b4 = (
            np.float64(v0[k]),
            np.float64(v1[k]),
            np.float64(v2[k]),
            np.float64(v3[k]),
            np.float64(v4[k]),
        )
        a = np.float64(u0[k])
        s00 += a * b0
        s01 += a * b1
        s02 += a * b2
        s03 += a * b3
        s04 += a * b4
        a = np.float64(u1[k])
        s10 += a * b0
        s11 += a * b1
        s12 += a * b2
        s13 += a * b3
        s14 += a * b4
    total[i, j] += s00
    total[i, j + 1] += s01
    total[i, j + 2] += s02
    total[i, j + 3] += s03
    total[i, j + 4] += s04
    total[i + 1, j] += s10
    total[i + 1, j + 1] += s11
    total[i + 1, j + 2] += s12
    total[i + 1, j + 3] += s13
    total[i + 1, j + 4] += s14


TALL = 5 if registers() >= MANY else 2
"""Rows of a tile."""

_tile, _diagonal = (_five_by_five, _triangle) if registers() >= MANY else (_two_by_five, _two_by_five)


@compiled()
def add_products(rows: Rows, used: Indices, start: int, stop: int, total: Sums) -> None:
    """Add the inner products of the `used` [n] rows' columns from `start` to before `stop` to `total`.

    Of `total` [n + BEYOND, n + BEYOND] only the diagonal of the first n and what is above it mean anything. NaN and
    infinity spread as they do in any sum.
    """
    n = len(used)
    for first in range(start, stop, WIDTH):
        behind = min(first + WIDTH, stop)
        for i in range(0, n, TALL):
            _diagonal(rows, used, i, i - i % 5, first, behind, total)
            for j in range(i - i % 5 + 5, n, 5):
                _tile(rows, used, i, j, first, behind, total)


def upper_products(rows: Rows, used: Indices, start: int, stop: int) -> Sums:
    """Inner products [n, n] of the `used` rows' columns from `start` to before `stop`, on and above the diagonal."""
    n = len(used)
    total = np.zeros((n + BEYOND, n + BEYOND))
    add_products(rows, used, start, stop, total)
    return total[:n, :n]


def warm() -> None:
    """Compile, or find what was compiled before."""
    upper_products(np.zeros((1, 1), dtype=np.float32), np.zeros(1, dtype=np.int64), 0, 1)
