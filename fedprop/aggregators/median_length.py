"""Rows cut to the median of their lengths, whatever those are."""

from typing import NamedTuple

import torch
from torch import Tensor

from fedprop.aggregators.columns import Rows
from fedprop.aggregators.inner_products import lengths
from fedprop.aggregators.rescaled import LONG, SHORT, each_to_size, times_power
from fedprop.types import Weights

FAR = 1000
"""Powers of two by which a row's length may differ from the middle one; a factor beyond that is zero in float64."""


class MedianCut(NamedTuple):
    """What each row [n] is multiplied by to be no longer than the median, and the median `length`, in float64."""

    factors: Weights
    length: Tensor


def cut_to_median(rows: Rows) -> MedianCut:
    """How rows [n, d] are cut to the median of their lengths; of an even number, the mean of the two in the middle."""
    found, unit = lengths(rows), 0
    if rows.dtype == torch.float64 and bool(((found < SHORT) | (found > LONG)).any()):
        sized, sizes = each_to_size(rows)
        found = lengths(sized)
        unit = int(sizes[(found.log2() + sizes).argsort()[len(found) // 2]])
        found = times_power(found, (sizes - unit).clamp(-FAR, FAR))
    ordered, n = found.sort().values, len(found)
    median = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    length = times_power(median, unit).clamp(max=torch.finfo(torch.float64).max)
    return MedianCut((median / found).clamp(max=1).where(found > 0, 1), length)
