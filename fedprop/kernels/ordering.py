"""The ordered values of each column: a sorting network whose comparators are between groups of eight rows.

Blocks of columns are copied to a scratch that stays in the cache. There each group of eight rows is ordered in
registers; then groups are merged, two at a time, by Batcher's bitonic merge, in registers again. Which groups are
merged is a table of `steps`, so that one compilation serves every number of rows.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fedprop.kernels.compiling import compiled

Rows: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int64]
Steps: TypeAlias = NDArray[np.int64]
Sums: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int32]

GROUP = 8
"""Rows that are ordered at once: two groups and what comparing them takes fit into 16 registers and few more."""

WIDTH = 256
"""Columns of a block: of 100 rows these are 104 KiB, and calls no longer count."""

SIZE = GROUP * WIDTH

SMALLER, LARGER, BOTH = 1, 2, 3
"""Which of two groups anybody asks for after a step: the one of the smaller values, that of the larger, or both."""


@compiled()
def _order_group(group: Rows) -> None:
    """Order the eight rows of a group: Batcher's network of 19 comparators."""
    for k in range(WIDTH):
        a0 = group[k]
        a1 = group[WIDTH + k]
        a2 = group[2 * WIDTH + k]
        a3 = group[3 * WIDTH + k]
        a4 = group[4 * WIDTH + k]
        a5 = group[5 * WIDTH + k]
        a6 = group[6 * WIDTH + k]
        a7 = group[7 * WIDTH + k]
        a0, a4 = min(a0, a4), max(a0, a4)
        a1, a5 = min(a1, a5), max(a1, a5)
        a2, a6 = min(a2, a6), max(a2, a6)
        a3, a7 = min(a3, a7), max(a3, a7)
        a0, a2 = min(a0, a2), max(a0, a2)
        a1, a3 = min(a1, a3), max(a1, a3)
        a4, a6 = min(a4, a6), max(a4, a6)
        a5, a7 = min(a5, a7), max(a5, a7)
        a2, a4 = min(a2, a4), max(a2, a4)
        a3, a5 = min(a3, a5), max(a3, a5)
        a0, a1 = min(a0, a1), max(a0, a1)
        a2, a3 = min(a2, a3), max(a2, a3)
        a4, a5 = min(a4, a5), max(a4, a5)
        a6, a7 = min(a6, a7), max(a6, a7)
        a1, a4 = min(a1, a4), max(a1, a4)
        a3, a6 = min(a3, a6), max(a3, a6)
        a1, a2 = min(a1, a2), max(a1, a2)
        a3, a4 = min(a3, a4), max(a3, a4)
        a5, a6 = min(a5, a6), max(a5, a6)
        group[k] = a0
        group[WIDTH + k] = a1
        group[2 * WIDTH + k] = a2
        group[3 * WIDTH + k] = a3
        group[4 * WIDTH + k] = a4
        group[5 * WIDTH + k] = a5
        group[6 * WIDTH + k] = a6
        group[7 * WIDTH + k] = a7


@compiled()
def _split(first: Rows, second: Rows) -> None:
    """Bring the smaller eight values of two ordered groups to the first, in order, and the others to the second."""
    for k in range(WIDTH):
        a0 = first[k]
        a1 = first[WIDTH + k]
        a2 = first[2 * WIDTH + k]
        a3 = first[3 * WIDTH + k]
        a4 = first[4 * WIDTH + k]
        a5 = first[5 * WIDTH + k]
        a6 = first[6 * WIDTH + k]
        a7 = first[7 * WIDTH + k]
        b0 = second[k]
        b1 = second[WIDTH + k]
        b2 = second[2 * WIDTH + k]
        b3 = second[3 * WIDTH + k]
        b4 = second[4 * WIDTH + k]
        b5 = second[5 * WIDTH + k]
        b6 = second[6 * WIDTH + k]
        b7 = second[7 * WIDTH + k]
        a0, b7 = min(a0, b7), max(a0, b7)
        a1, b6 = min(a1, b6), max(a1, b6)
        a2, b5 = min(a2, b5), max(a2, b5)
        a3, b4 = min(a3, b4), max(a3, b4)
        a4, b3 = min(a4, b3), max(a4, b3)
        a5, b2 = min(a5, b2), max(a5, b2)
        a6, b1 = min(a6, b1), max(a6, b1)
        a7, b0 = min(a7, b0), max(a7, b0)
        a0, a4 = min(a0, a4), max(a0, a4)
        a1, a5 = min(a1, a5), max(a1, a5)
        a2, a6 = min(a2, a6), max(a2, a6)
        a3, a7 = min(a3, a7), max(a3, a7)
        a0, a2 = min(a0, a2), max(a0, a2)
        a1, a3 = min(a1, a3), max(a1, a3)
        a4, a6 = min(a4, a6), max(a4, a6)
        a5, a7 = min(a5, a7), max(a5, a7)
        a0, a1 = min(a0, a1), max(a0, a1)
        a2, a3 = min(a2, a3), max(a2, a3)
        a4, a5 = min(a4, a5), max(a4, a5)
        a6, a7 = min(a6, a7), max(a6, a7)
        first[k] = a0
        first[WIDTH + k] = a1
        first[2 * WIDTH + k] = a2
        first[3 * WIDTH + k] = a3
        first[4 * WIDTH + k] = a4
        first[5 * WIDTH + k] = a5
        first[6 * WIDTH + k] = a6
        first[7 * WIDTH + k] = a7
        b0, b4 = min(b0, b4), max(b0, b4)
        b1, b5 = min(b1, b5), max(b1, b5)
        b2, b6 = min(b2, b6), max(b2, b6)
        b3, b7 = min(b3, b7), max(b3, b7)
        b0, b2 = min(b0, b2), max(b0, b2)
        b1, b3 = min(b1, b3), max(b1, b3)
        b4, b6 = min(b4, b6), max(b4, b6)
        b5, b7 = min(b5, b7), max(b5, b7)
        b0, b1 = min(b0, b1), max(b0, b1)
        b2, b3 = min(b2, b3), max(b2, b3)
        b4, b5 = min(b4, b5), max(b4, b5)
        b6, b7 = min(b6, b7), max(b6, b7)
        second[k] = b0
        second[WIDTH + k] = b1
        second[2 * WIDTH + k] = b2
        second[3 * WIDTH + k] = b3
        second[4 * WIDTH + k] = b4
        second[5 * WIDTH + k] = b5
        second[6 * WIDTH + k] = b6
        second[7 * WIDTH + k] = b7


@compiled()
def _keep_smaller(first: Rows, second: Rows) -> None:
    """As `_split`, where nobody asks for the larger ones."""
    for k in range(WIDTH):
        a0 = first[k]
        a1 = first[WIDTH + k]
        a2 = first[2 * WIDTH + k]
        a3 = first[3 * WIDTH + k]
        a4 = first[4 * WIDTH + k]
        a5 = first[5 * WIDTH + k]
        a6 = first[6 * WIDTH + k]
        a7 = first[7 * WIDTH + k]
        b0 = second[k]
        b1 = second[WIDTH + k]
        b2 = second[2 * WIDTH + k]
        b3 = second[3 * WIDTH + k]
        b4 = second[4 * WIDTH + k]
        b5 = second[5 * WIDTH + k]
        b6 = second[6 * WIDTH + k]
        b7 = second[7 * WIDTH + k]
        a0 = min(a0, b7)
        a1 = min(a1, b6)
        a2 = min(a2, b5)
        a3 = min(a3, b4)
        a4 = min(a4, b3)
        a5 = min(a5, b2)
        a6 = min(a6, b1)
        a7 = min(a7, b0)
        a0, a4 = min(a0, a4), max(a0, a4)
        a1, a5 = min(a1, a5), max(a1, a5)
        a2, a6 = min(a2, a6), max(a2, a6)
        a3, a7 = min(a3, a7), max(a3, a7)
        a0, a2 = min(a0, a2), max(a0, a2)
        a1, a3 = min(a1, a3), max(a1, a3)
        a4, a6 = min(a4, a6), max(a4, a6)
        a5, a7 = min(a5, a7), max(a5, a7)
        a0, a1 = min(a0, a1), max(a0, a1)
        a2, a3 = min(a2, a3), max(a2, a3)
        a4, a5 = min(a4, a5), max(a4, a5)
        a6, a7 = min(a6, a7), max(a6, a7)
        first[k] = a0
        first[WIDTH + k] = a1
        first[2 * WIDTH + k] = a2
        first[3 * WIDTH + k] = a3
        first[4 * WIDTH + k] = a4
        first[5 * WIDTH + k] = a5
        first[6 * WIDTH + k] = a6
        first[7 * WIDTH + k] = a7


@compiled()
def _keep_larger(first: Rows, second: Rows) -> None:
    """As `_split`, where nobody asks for the smaller ones."""
    for k in range(WIDTH):
        a0 = first[k]
        a1 = first[WIDTH + k]
        a2 = first[2 * WIDTH + k]
        a3 = first[3 * WIDTH + k]
        a4 = first[4 * WIDTH + k]
        a5 = first[5 * WIDTH + k]
        a6 = first[6 * WIDTH + k]
        a7 = first[7 * WIDTH + k]
        b0 = second[k]
        b1 = second[WIDTH + k]
        b2 = second[2 * WIDTH + k]
        b3 = second[3 * WIDTH + k]
        b4 = second[4 * WIDTH + k]
        b5 = second[5 * WIDTH + k]
        b6 = second[6 * WIDTH + k]
        b7 = second[7 * WIDTH + k]
        b0 = max(a7, b0)
        b1 = max(a6, b1)
        b2 = max(a5, b2)
        b3 = max(a4, b3)
        b4 = max(a3, b4)
        b5 = max(a2, b5)
        b6 = max(a1, b6)
        b7 = max(a0, b7)
        b0, b4 = min(b0, b4), max(b0, b4)
        b1, b5 = min(b1, b5), max(b1, b5)
        b2, b6 = min(b2, b6), max(b2, b6)
        b3, b7 = min(b3, b7), max(b3, b7)
        b0, b2 = min(b0, b2), max(b0, b2)
        b1, b3 = min(b1, b3), max(b1, b3)
        b4, b6 = min(b4, b6), max(b4, b6)
        b5, b7 = min(b5, b7), max(b5, b7)
        b0, b1 = min(b0, b1), max(b0, b1)
        b2, b3 = min(b2, b3), max(b2, b3)
        b4, b5 = min(b4, b5), max(b4, b5)
        b6, b7 = min(b6, b7), max(b6, b7)
        second[k] = b0
        second[WIDTH + k] = b1
        second[2 * WIDTH + k] = b2
        second[3 * WIDTH + k] = b3
        second[4 * WIDTH + k] = b4
        second[5 * WIDTH + k] = b5
        second[6 * WIDTH + k] = b6
        second[7 * WIDTH + k] = b7


@compiled(in_any_order=True)
def _copy(row: Rows, into: Rows) -> np.float32:
    """Copy a row; the answer is 0 if all of its numbers are finite, and NaN otherwise."""
    found = np.float32(0)
    for k in range(len(row)):
        into[k] = row[k]
        found += row[k] * np.float32(0)
    return found


@compiled()
def _order(rows: Rows, used: Indices, first: int, width: int, steps: Steps, scratch: Rows) -> float:
    """Order columns `first` to before `first + width` of the `used` rows in `scratch`; the answer is that of `_copy`.

    Rows that fill up the last group are infinite, so that they come last.
    """
    found, n = 0.0, len(used)
    for i in range(n):
        found += float(_copy(rows[used[i], first : first + width], scratch[i * WIDTH : i * WIDTH + width]))
    scratch[n * WIDTH :] = np.inf
    for group in range(0, len(scratch), SIZE):
        _order_group(scratch[group : group + SIZE])
    for t in range(len(steps)):
        one, other, asked = steps[t, 0] * SIZE, steps[t, 1] * SIZE, steps[t, 2]
        if asked == BOTH:
            _split(scratch[one : one + SIZE], scratch[other : other + SIZE])
        elif asked == SMALLER:
            _keep_smaller(scratch[one : one + SIZE], scratch[other : other + SIZE])
        else:
            _keep_larger(scratch[one : one + SIZE], scratch[other : other + SIZE])
    return found


@compiled()
def _add_places(scratch: Rows, start: int, stop: int, sums: Sums) -> None:
    """Add the ordered values from place `start` to before `stop` to `sums`, the smallest first."""
    fours = start + (stop - start) // 4 * 4
    for i in range(start, fours, 4):
        four = scratch[i * WIDTH : (i + 4) * WIDTH]
        for k in range(WIDTH):
            sums[k] = sums[k] + four[k] + four[WIDTH + k] + four[2 * WIDTH + k] + four[3 * WIDTH + k]
    for i in range(fours, stop):
        one = scratch[i * WIDTH : (i + 1) * WIDTH]
        for k in range(WIDTH):
            sums[k] += one[k]


@compiled()
def _add_near(scratch: Rows, start: int, stop: int, keep: int, begins: Places, sums: Sums) -> None:
    """As `_add_places`, but in each column only those among the `keep` places from where it `begins`."""
    for i in range(start, stop):
        one = scratch[i * WIDTH : (i + 1) * WIDTH]
        for k in range(WIDTH):
            sums[k] += one[k] if begins[k] <= i < begins[k] + keep else np.float32(0)


@compiled()
def _average_near(scratch: Rows, n: int, near: int, begins: Places, sums: Sums) -> None:
    """Replace each of `sums` by the mean of the `near` of n ordered values that are nearest to it.

    They are neighbours in the order. Where they begin is how many of the smallest are farther away than the value
    `near` places on; of two as near the smaller one counts.
    """
    cut = n - near
    begins[:] = 0
    for i in range(cut):
        low, high = scratch[i * WIDTH : (i + 1) * WIDTH], scratch[(i + near) * WIDTH : (i + near + 1) * WIDTH]
        for k in range(WIDTH):
            begins[k] += np.int32(sums[k] - low[k] > high[k] - sums[k])
    sums[:] = 0.0
    # Those from place `cut` to before place `near` are among the nearest in every column.
    _add_near(scratch, 0, cut, near, begins, sums)
    _add_places(scratch, cut, max(cut, near), sums)
    _add_near(scratch, max(cut, near), n, near, begins, sums)
    for k in range(WIDTH):
        sums[k] /= near


@compiled()
def mean_of_places(
    rows: Rows, used: Indices, steps: Steps, places: tuple[int, int], near: int, start: int, stop: int, out: Rows
) -> float:
    """Write the mean of the ordered values at `places`, from the first to before the second, to `out` [d].

    That is done in columns `start` to before `stop` of the `used` [n] of the rows. If `near` is not 0, the mean of so
    many values nearest to that mean is written instead. All sums are in float64, of the smallest values first. The
    answer is 0 if all numbers read are finite, and NaN otherwise, where what is written means nothing.
    """
    scratch = np.zeros(-(-len(used) // GROUP) * SIZE, dtype=np.float32)
    sums, begins = np.empty(WIDTH), np.empty(WIDTH, dtype=np.int32)
    found = 0.0
    for first in range(start, stop, WIDTH):
        width = min(WIDTH, stop - first)
        found += _order(rows, used, first, width, steps, scratch)
        sums[:] = 0.0
        _add_places(scratch, places[0], places[1], sums)
        for k in range(WIDTH):
            sums[k] /= places[1] - places[0]
        if near > 0:
            _average_near(scratch, len(used), near, begins, sums)
        into = out[first : first + width]
        for k in range(width):
            into[k] = np.float32(sums[k])
    return found


def warm() -> None:
    """Compile, or find what was compiled before."""
    rows, steps = np.zeros((1, 1), dtype=np.float32), np.zeros((0, 3), dtype=np.int64)
    mean_of_places(rows, np.zeros(1, dtype=np.int64), steps, (0, 1), 0, 0, 1, rows[0])
