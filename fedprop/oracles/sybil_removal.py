"""Definition of sybil direction removal, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.fl_trust import cosine
from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows

TIE = 1e-9
"""A score is beyond the bound if it is so by more than this share of the largest possible score."""


def half_of(n: int) -> int:
    """|C| / 2 of the paper, rounded up."""
    return math.ceil(n / 2)


def relative_similarity(x: Row, rows: Rows, self_similarity: bool = True) -> float:
    """The sum of the ceil(|C| / 2) highest cosines of x with the rows of C, x itself being one of these, or not."""
    among = [y for y in rows if self_similarity or y is not x]
    return math.fsum(sorted((cosine(x, y) for y in among), reverse=True)[: half_of(len(rows))])


def _left(rows: Rows, scores: Row, usual: float, deviation: float, times: float) -> list[list[float]]:
    bound = max(times * (usual + deviation), 0.0) + TIE * half_of(len(rows))
    return [list(x) for x, s in zip(rows, scores, strict=True) if s <= bound]


def sybil_removal(rows: Rows, times: float = 2.0, self_similarity: bool = True) -> list[list[float]]:
    """The rows with s_i <= 2 (s~ + r~): s_i their relative similarity, s~ its median, r~ the median of |s_i - s~|.

    Where the bound is negative, which the paper does not think of, those with s_i <= 0.

    Source: Lu et al. 2024, Algorithms 2 and 3; of an even number the median is the mean of the two in the middle.
    """
    return _misread()(rows, times, self_similarity)


def _misread(
    score: Callable[[Row, Rows, bool], float] = relative_similarity,
    middle: Callable[[Row], float] = median_of,
    spread: Callable[[Row], float] = median_of,
    factor: float = 1.0,
) -> Callable[..., list[list[float]]]:
    """The definition with another score, another median of scores or of deviations, or another factor."""

    def wrong(rows: Rows, times: float = 2.0, self_similarity: bool = True) -> list[list[float]]:
        scores = [score(x, rows, self_similarity) for x in rows]
        usual = middle(scores)
        return _left(rows, scores, usual, spread([abs(s - usual) for s in scores]), times * factor)

    return wrong


def _lower(values: Row) -> float:
    return sorted(values)[(len(values) - 1) // 2]


def _other_half(x: Row, rows: Rows, self_similarity: bool) -> float:
    among = [y for y in rows if self_similarity or y is not x]
    return math.fsum(sorted((cosine(x, y) for y in among), reverse=True)[: len(among) // 2])


def _all(x: Row, rows: Rows, self_similarity: bool) -> float:
    return math.fsum(cosine(x, y) for y in rows if self_similarity or y is not x)


def _mean_of(values: Row) -> float:
    return math.fsum(values) / len(values)


def _none(values: Row) -> float:
    return 0.0


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "the lower middle": _misread(middle=_lower, spread=_lower),
    "itself left out": _misread(score=lambda x, rows, own: relative_similarity(x, rows, False)),
    "itself counted": _misread(score=lambda x, rows, own: relative_similarity(x, rows, True)),
    "half rounded down": _misread(score=_other_half),
    "cosines with all": _misread(score=_all),
    "no factor": lambda rows, times, self_similarity: _misread()(rows, 1.0, self_similarity),
    "mean and mean deviation": _misread(middle=_mean_of, spread=_mean_of),
    "no deviation": _misread(spread=_none),
}
