"""Rows cut to the median of their lengths, whatever those are."""

from typing import NamedTuple

import torch
from torch import Tensor

from fedprop.aggregators.columns import Rows
from fedprop.aggregators.inner_products import lengths
from fedprop.aggregators.middle import median_of
from fedprop.aggregators.rescaled import LONG, SHORT, each_to_size, times_power
from fedprop.types import Weights

FAR = 1000
"""Powers of two by which a row's length may differ from the middle one to take part in a median that it is not."""

FARTHEST = 2000
"""Powers of two beyond which a factor is zero in float64, or more than 1."""


class MedianCut(NamedTuple):
    """What each row [n] is multiplied by to be no longer than the median, and the median `length`, in float64."""

    factors: Weights
    length: Tensor


def cut_to_median(rows: Rows) -> MedianCut:
    """How rows [n, d] are cut to the median of their lengths; of an even number, the mean of the two in the middle."""
    found = lengths(rows)
    if rows.dtype == torch.float64 and bool(((found < SHORT) | (found > LONG)).any()):
        return _cut_far_apart(rows)
    median = median_of(found)
    return MedianCut(_at_most_one(median / found, found), median)


def _cut_far_apart(rows: Rows) -> MedianCut:
    """`cut_to_median`, where squares of lengths are beyond float64 and, perhaps, lengths beside each other, too."""
    sized, sizes = each_to_size(rows)
    found = lengths(sized)
    unit = int(sizes[(found.log2() + sizes).argsort()[len(found) // 2]])
    away = sizes - unit
    median = median_of(times_power(found, away.clamp(-FAR, FAR)))
    length = times_power(median, unit).clamp(max=torch.finfo(torch.float64).max)
    factors = times_power(median / found, -away.clamp(-FARTHEST, FARTHEST))
    return MedianCut(_at_most_one(factors, found), length)


def _at_most_one(factors: Weights, found: Weights) -> Weights:
    return factors.clamp(max=1).where(found > 0, 1)
