"""Definition of what Soteria's client does to the gradient of a batch."""

import math
from collections.abc import Callable, Mapping, Sequence

from fedprop.oracles.vectors import Row, Rows

APART = 0.1
"""What is added to a feature's size before it divides, as in the authors' code."""


def soteria(features: Rows, slopes: Sequence[Rows], gradient: Rows, share: float) -> list[list[float]]:
    """The gradient [outputs][m] of a layer's weights, without the columns of the features that weigh least.

    `features` [b][m] are what the layer sees of each example, and `slopes` [b][m][inputs] their derivatives by the
    example. A feature j weighs sum over examples of ||d r_j / d X|| / (|r_j| + 0.1); those below the percentile
    `share` of these weights are pruned, the percentile being interpolated linearly, as numpy does.

    Source: Sun et al., CVPR 2021, Section 4 and the authors' code, which divides by r_j + 0.1: the same for what comes
    out of a ReLU. Reconstructed from the code.
    """
    return _pruned(gradient, _weights(features, slopes), share)


def _weights(features: Rows, slopes: Sequence[Rows]) -> list[float]:
    return [
        math.fsum(
            math.hypot(*slope[j]) / (abs(feature[j]) + APART) for feature, slope in zip(features, slopes, strict=True)
        )
        for j in range(len(features[0]))
    ]


def _pruned(gradient: Rows, weights: Row, share: float) -> list[list[float]]:
    least = _percentile(weights, share)
    return [[0.0 if w < least else g for g, w in zip(row, weights, strict=True)] for row in gradient]


def _percentile(values: Row, share: float) -> float:
    ordered, place = sorted(values), share * (len(values) - 1)
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _largest(features: Rows, slopes: Sequence[Rows], gradient: Rows, share: float) -> list[list[float]]:
    return _pruned(gradient, [-w for w in _weights(features, slopes)], share)


def _slopes_alone(features: Rows, slopes: Sequence[Rows], gradient: Rows, share: float) -> list[list[float]]:
    return soteria([[1.0] * len(row) for row in features], slopes, gradient, share)


def _features_alone(features: Rows, slopes: Sequence[Rows], gradient: Rows, share: float) -> list[list[float]]:
    return soteria(features, [[[1.0]] * len(row) for row in features], gradient, share)


def _first_example(features: Rows, slopes: Sequence[Rows], gradient: Rows, share: float) -> list[list[float]]:
    return soteria(features[:1], slopes[:1], gradient, share)


MISREADINGS: Mapping[str, Callable[[Rows, Sequence[Rows], Rows, float], list[list[float]]]] = {
    "the columns of the largest weights go": _largest,
    "features do not divide": _slopes_alone,
    "slopes do not count": _features_alone,
    "the first example speaks for the batch": _first_example,
    "share is what is kept": lambda r, s, g, share: soteria(r, s, g, 1 - share),
}
"""Wrong readings."""
