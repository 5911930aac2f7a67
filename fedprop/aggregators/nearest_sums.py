"""Sums over the nearest neighbours of each row, kept up to date while rows are removed one by one."""

import math

import numpy as np
from numpy.typing import NDArray


class NearestSums:
    """For each of n rows, the sum of the `count` smallest of its distances to the rows that are left.

    When a row is removed, `count` falls by one: a row that counted it loses that summand, any other its largest one. So
    a removal takes one summand from each row. They lie in parts of about sqrt(n), of which that one is added up
    again: nothing is ever subtracted, so that no giant leaves its rounding error behind.

    Attributes
    ----------
    sums : one for each row [n]; infinite for those that are removed.
    """

    def __init__(self, distances: NDArray[np.float64], order: NDArray[np.int64], count: int) -> None:
        """Take each row's `distances` [n, n - 1] in ascending order, and to which row each of them is."""
        n = len(distances)
        size = math.isqrt(n) + 1
        padded = np.zeros((n, size * size))
        padded[:, :count] = distances[:, :count]
        parts = padded.reshape(n, size, size)
        totals = _sums(parts)
        self.sums = _sums(totals)
        self._size, self._removed, self._last = size, np.zeros(n, dtype=bool), np.full(n, count - 1)
        # A row of `_place` is where that row stands among each other's distances; n - 1 is no place.
        self._place = np.full((n, n), n - 1, dtype=np.int32)
        np.put_along_axis(self._place.T, order, np.arange(n - 1, dtype=np.int32)[None], axis=1)
        # The places before and after each that are still taken; place n - 1 is both ends at once.
        before = np.tile(np.roll(np.arange(n, dtype=np.int32), 1), (n, 1))
        after = np.tile(np.roll(np.arange(n, dtype=np.int32), -1), (n, 1))
        # Each row has a line in all of these. They are looked at flat, from where lines begin, which is faster.
        self._before, self._after, self._begin = before.ravel(), after.ravel(), np.arange(n) * n
        self._values, self._begin_values = padded.ravel(), np.arange(n) * size**2
        self._parts, self._totals, self._begin_parts = parts.reshape(-1, size), totals, np.arange(n) * size

    def remove(self, row: int) -> None:
        """Take a row out, and with it one neighbour of each other row."""
        begin, places = self._begin, self._place[row]
        at = begin + places
        before, after = self._before.take(at), self._after.take(at)
        self._after[begin + before], self._before[begin + after] = after, before
        lost = np.minimum(places, self._last)
        self._last = np.where(places < self._last, self._last, self._before.take(begin + self._last))
        self._values[self._begin_values + lost] = 0
        changed = self._begin_parts + lost // self._size
        self._totals.ravel()[changed] = _sums(self._parts.take(changed, axis=0))
        self._removed[row] = True
        self.sums = np.where(self._removed, np.inf, _sums(self._totals))


def _sums(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of each line, along the last dimension; of short lines `lines.sum` takes several times as long."""
    found: NDArray[np.float64] = np.einsum("...i->...", lines)
    return found
