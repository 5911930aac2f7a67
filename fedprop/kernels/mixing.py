"""A weighted sum of some of the rows: four rows are added in a pass over a block of sums that stays in the cache."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fedprop.kernels.compiling import compiled

Rows: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int64]
Shares: TypeAlias = NDArray[np.float64]

WIDTH = 1024
"""Columns of a block: 8 KiB of sums, beside 4 KiB of each of the four rows."""


@compiled()
def add_rows(rows: Rows, used: Indices, shares: Shares, start: int, stop: int, largest: float, out: Rows) -> None:
    """Write the sum of `shares` [k] times the `used` [k] rows to `out` [d], in columns `start` to before `stop`.

    It is worked out in float64, row by row in their order, and held within `largest`, which rounding could exceed.
    """
    sums = np.empty(WIDTH)
    for first in range(start, stop, WIDTH):
        width = min(WIDTH, stop - first)
        sums[:] = 0.0
        fours = len(used) // 4 * 4
        for i in range(0, fours, 4):
            s0, s1, s2, s3 = shares[i], shares[i + 1], shares[i + 2], shares[i + 3]
            u0 = rows[used[i], first : first + width]
            u1 = rows[used[i + 1], first : first + width]
            u2 = rows[used[i + 2], first : first + width]
            u3 = rows[used[i + 3], first : first + width]
            for k in range(width):
                sums[k] = sums[k] + s0 * u0[k] + s1 * u1[k] + s2 * u2[k] + s3 * u3[k]
        for i in range(fours, len(used)):
            s0, u0 = shares[i], rows[used[i], first : first + width]
            for k in range(width):
                sums[k] += s0 * u0[k]
        into = out[first : first + width]
        for k in range(width):
            into[k] = np.float32(min(max(sums[k], -largest), largest))


def warm() -> None:
    """Compile, or find what was compiled before."""
    rows = np.zeros((1, 1), dtype=np.float32)
    add_rows(rows, np.zeros(1, dtype=np.int64), np.zeros(1), 0, 1, 1.0, rows[0])
