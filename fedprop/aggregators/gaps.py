"""Whether numbers fall into two clusters, by the gap statistic, and which are in the higher one."""

import math

import torch
from torch import Tensor

from fedprop.types import Weights

EQUAL = 1e-9
"""Numbers whose range is a smaller share of the largest are equal but for rounding."""

NONE = 1e-18
"""Squared errors below this, of numbers between 0 and 1, are none but for rounding."""


def two_clusters(numbers: Weights, references: int, generator: torch.Generator) -> Tensor:
    """Which of the numbers [n] are in the higher of two clusters; none if they are better taken for one cluster.

    The gap of k clusters is the mean over uniform samples of ln W, less ln W of the numbers brought to [0, 1], W being
    the squared error of the best k clusters. There are two if gap(2) less its error exceeds gap(1); so it is if two
    clusters have no error at all. Fewer than three numbers are one cluster.

    Source: Tibshirani, Walther and Hastie, "Estimating the Number of Clusters in a Data Set via the Gap Statistic",
    JRSS B 63 (2001), Section 3.
    """
    nobody = torch.zeros(len(numbers), dtype=torch.bool)
    if len(numbers) < 3 or float(numbers.max() - numbers.min()) <= EQUAL * float(numbers.abs().max()):
        return nobody
    shares = (numbers - numbers.min()) / (numbers.max() - numbers.min())
    samples = torch.rand(references, len(numbers), generator=generator, dtype=torch.float64)
    (one, two), (drawn_one, drawn_two) = (_errors(x.sort().values) for x in (shares[None], samples))
    best = int(two.argmin())
    if float(two.min()) > NONE:
        logs = drawn_two.amin(dim=1).log()
        error = float(logs.std(correction=0)) * math.sqrt(1 + 1 / references)
        gap_one = float(drawn_one.log().mean() - one.log())
        if float(logs.mean() - two.min().log()) - error <= gap_one:
            return nobody
    return numbers > numbers.sort().values[best]


def _errors(ordered: Tensor) -> tuple[Tensor, Tensor]:
    """The squared error of each of some ordered rows [k, n] as one cluster [k], and cut after each entry [k, n - 1]."""
    count = torch.arange(1, ordered.shape[1] + 1, dtype=torch.float64)

    def inside(values: Tensor) -> Tensor:
        return (values.square().cumsum(dim=1) - values.cumsum(dim=1).square() / count).clamp(min=0)

    below, above = inside(ordered), inside(ordered.flip(1)).flip(1)
    return below[:, -1], below[:, :-1] + above[:, 1:]
