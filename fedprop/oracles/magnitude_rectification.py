"""Definition of magnitude rectification, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedprop.oracles.fl_trust import rescaled
from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, mean_of, within_reach

TIE = 1e-9
"""A ratio is beyond the bound if it is so by more than this share."""


def ratios(lengths: Row) -> list[float]:
    """Of each length l the larger of l / m and m / l, m being the median; 1 if l = m, and infinite if one is zero."""
    m = median_of(lengths)
    return [1.0 if x == m else math.inf if min(x, m) == 0 else max(x / m, m / x) for x in lengths]


def few(n: int) -> int:
    """The floor(n / 2) smallest ratios make the bound, and at least one."""
    return max(1, n // 2)


def deviation(values: Row) -> float:
    """Of all the values there are."""
    middle = mean_of(values)
    return math.sqrt(mean_of([(v - middle) ** 2 for v in values]))


def _sizes(rows: Rows) -> list[float]:
    return [math.hypot(*x) for x in within_reach(rows)]


def _at_mean_length(rows: Rows, kept: Sequence[int]) -> list[list[float]]:
    length = mean_of([math.hypot(*rows[i]) / 2 for i in kept])
    return [[2 * v for v in rescaled(rows[i], length)] for i in kept]


def magnitude_rectification(rows: Rows, times: float = 8.0) -> list[list[float]]:
    """The rows with q_i <= 8 (m~ + s~), each at the mean of their lengths; m~ and s~ of the smallest half of all q.

    Source: Lu et al. 2024, Algorithm 6.
    """
    return _at_mean_length(rows, _kept(ratios(_sizes(rows)), times))


def _kept(
    found: Row, times: float, count: Callable[[int], int] = few, spread: Callable[[Row], float] = deviation
) -> Any:
    smallest = sorted(found)[: count(len(found))]
    bound = times * (mean_of(smallest) + spread(smallest)) * (1 + TIE)
    return [i for i, q in enumerate(found) if q <= bound]


def _rescaled_first(rows: Rows, times: float) -> list[list[float]]:
    """The mean is that of all lengths, those of dropped rows included."""
    length = mean_of([math.hypot(*x) for x in rows])
    return [rescaled(rows[i], length) for i in _kept(ratios(_sizes(rows)), times)]


def _at_median_length(rows: Rows, times: float) -> list[list[float]]:
    kept = _kept(ratios(_sizes(rows)), times)
    length = median_of([math.hypot(*rows[i]) for i in kept])
    return [rescaled(rows[i], length) for i in kept]


def _as_they_are(rows: Rows, times: float) -> list[list[float]]:
    return [list(rows[i]) for i in _kept(ratios(_sizes(rows)), times)]


def _cut(rows: Rows, times: float) -> list[list[float]]:
    """Long rows are cut to the mean, and short ones stay short."""
    kept = _kept(ratios(_sizes(rows)), times)
    length = mean_of([math.hypot(*rows[i]) for i in kept])
    return [rescaled(rows[i], min(length, math.hypot(*rows[i]))) for i in kept]


def _short_kept(rows: Rows, times: float) -> list[list[float]]:
    found = _sizes(rows)
    kept = set(_kept(ratios(found), times)) | {i for i, x in enumerate(found) if x <= median_of(found)}
    return _at_mean_length(rows, sorted(kept))


def _of_all(rows: Rows, times: float) -> list[list[float]]:
    """Mean and deviation of all ratios, which one of a million raises; infinite ones aside."""
    found = ratios(_sizes(rows))
    finite = [q for q in found if q < math.inf]
    bound = times * (mean_of(finite) + deviation(finite)) * (1 + TIE)
    return _at_mean_length(rows, [i for i, q in enumerate(found) if q <= bound])


def _of_one_less(values: Row) -> float:
    return deviation(values) * math.sqrt(len(values) / max(1, len(values) - 1))


def _no_factor(rows: Rows, times: float) -> list[list[float]]:
    return magnitude_rectification(rows, 1.0)


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "rescaled before dropping": _rescaled_first,
    "to the median length": _at_median_length,
    "dropped and not rescaled": _as_they_are,
    "cut and not stretched": _cut,
    "short rows kept": _short_kept,
    "mean and deviation of all": _of_all,
    "the sample deviation": lambda rows, times: _at_mean_length(
        rows, _kept(ratios(_sizes(rows)), times, spread=_of_one_less)
    ),
    "no factor": _no_factor,
}
