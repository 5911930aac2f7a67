"""Definition of SignGuard, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, cut, mean_of

Point = tuple[float, ...]


def statistics(rows: Rows) -> list[Point]:
    """The shares of coordinates above zero, zero and below, each over the largest of all rows plus 1e-8."""
    shares = [[sum(test(v) for v in x) / len(x) for test in (_above, _zero, _below)] for x in rows]
    most = [max(column) + 1e-8 for column in zip(*shares, strict=True)]
    return [tuple(share / largest for share, largest in zip(x, most, strict=True)) for x in shares]


def _above(v: float) -> bool:
    return v > 0


def _zero(v: float) -> bool:
    return v == 0


def _below(v: float) -> bool:
    return v < 0


def mean_shift(points: Sequence[Point]) -> list[int]:
    """A label for each point, -1 for those far from all centres: mean shift with a flat kernel, as scikit-learn has it.

    The bandwidth is the mean distance to the floor(n / 2)-th nearest point, itself included, and at least the first.
    Each point is moved to the mean of all within it, until it moves by less than a thousandth of it. A point belongs to
    the nearest of the centres.
    """
    n = len(points)
    halfway = [sorted(math.dist(p, q) for q in points)[max(1, n // 2) - 1] for p in points]
    bandwidth = mean_of(halfway) * (1 + 1e-9)
    if bandwidth == 0:
        kinds = sorted(set(points), reverse=True)
        return [kinds.index(p) for p in points]
    found = centres(points, bandwidth)
    labels = []
    for p in points:
        away = [math.dist(p, centre) for centre in found]
        labels.append(away.index(min(away)) if min(away) <= bandwidth else -1)
    return labels


def centres(points: Sequence[Point], bandwidth: float) -> list[Point]:
    """Where points come to rest, those with most around them first, then the largest; none within a bandwidth."""
    found: list[Point] = []
    for _, centre in sorted({_moved(p, points, bandwidth) for p in points}, reverse=True):
        if all(math.dist(centre, other) > bandwidth for other in found):
            found.append(centre)
    return found


def _moved(point: Point, points: Sequence[Point], bandwidth: float) -> tuple[int, Point]:
    for _ in range(300):
        near = [q for q in points if math.dist(point, q) <= bandwidth]
        before, point = point, tuple(mean_of(column) for column in zip(*near, strict=True))
        if math.dist(before, point) <= 1e-3 * bandwidth:
            break
    return len(near), point


def largest(labels: Sequence[int]) -> list[int]:
    """The places of the label that most have; of several, of the smallest."""
    known = sorted({label for label in labels if label >= 0})
    most = max(known, key=lambda label: (labels.count(label), -label))
    return [i for i, label in enumerate(labels) if label == most]


def sign_guard(
    rows: Rows,
    generator: torch.Generator,
    lower: float = 0.1,
    upper: float = 3.0,
    share: float = 0.1,
    cut_to: Callable[[Sequence[float]], float] = median_of,
    either: bool = False,
) -> list[float]:
    """The mean over the rows of usual length in the largest cluster of x min(1, M / ||x||); zero if there are none.

    The block begins at torch's `randint` of the places where it fits.

    Source: Xu, Huang, Song and Lan, ICDCS 2022, Algorithm 2.
    """
    d, sizes = len(rows[0]), [math.hypot(*x) for x in rows]
    middle, bound = median_of(sizes), cut_to(sizes)
    usual = {i for i, size in enumerate(sizes) if lower * middle < size < upper * middle}
    width = max(1, int(share * d))
    start = int(torch.randint(d - width + 1, (), generator=generator))
    alike = set(largest(mean_shift(statistics([x[start : start + width] for x in rows]))))
    kept = sorted(usual | alike) if either else sorted(usual & alike)
    sized = [cut(rows[i], bound) for i in kept]
    return [mean_of(column) for column in zip(*sized, strict=True)] if kept else [0.0] * d


def _no_cut(sizes: Row) -> float:
    return max(sizes)


def _misread(**changed: Any) -> Callable[..., list[float]]:
    def wrong(
        rows: Rows, generator: torch.Generator, lower: float = 0.1, upper: float = 3.0, share: float = 0.1
    ) -> list[float]:
        return sign_guard(rows, generator, **{"lower": lower, "upper": upper, "share": share, **changed})

    return wrong


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "long rows not cut": _misread(cut_to=_no_cut),
    "cut to the mean length": _misread(cut_to=mean_of),
    "either filter suffices": _misread(either=True),
    "all coordinates": _misread(share=1.0),
    "short rows kept": _misread(lower=-1.0),
}
