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
        self._rows = np.arange(n)
        size = math.isqrt(n) + 1
        padded = np.zeros((n, size * size))
        padded[:, :count] = distances[:, :count]
        self._parts = padded.reshape(n, size, size)
        self._totals = self._parts.sum(axis=2)
        self.sums = self._totals.sum(axis=1)
        self._removed = np.zeros(n, dtype=bool)
        self._last = np.full(n, count - 1)
        # Where each row stands among the others' distances, and the places before and after each that are still taken;
        # place n - 1 is both ends at once.
        self._place = np.full((n, n), n - 1, dtype=np.int32)
        np.put_along_axis(self._place, order, np.arange(n - 1, dtype=np.int32)[None], axis=1)
        self._before = np.tile(np.roll(np.arange(n, dtype=np.int32), 1), (n, 1))
        self._after = np.tile(np.roll(np.arange(n, dtype=np.int32), -1), (n, 1))

    def remove(self, row: int) -> None:
        """Take a row out, and with it one neighbour of each other row."""
        rows, places = self._rows, self._place[:, row]
        before, after = self._before[rows, places], self._after[rows, places]
        self._after[rows, before], self._before[rows, after] = after, before
        lost = np.minimum(places, self._last)
        self._last = np.where(places < self._last, self._last, self._before[rows, self._last])
        part, place = np.divmod(lost, self._parts.shape[2])
        self._parts[rows, part, place] = 0
        self._totals[rows, part] = self._parts[rows, part].sum(axis=1)
        self._removed[row] = True
        self.sums = np.where(self._removed, np.inf, self._totals.sum(axis=1))
