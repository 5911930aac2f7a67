"""Means of ordered values by compiled loops, where these take the rows."""

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from fedprop.aggregators.base import RowConsumer
from fedprop.aggregators.columns import BLOCK_ELEMENTS, Rows, compiled_loops, map_spans
from fedprop.aggregators.sorting_network import network
from fedprop.types import Vector


def mean_by_loops(updates: Rows, places: range, near: int, rule: RowConsumer | None) -> Vector | None:
    """The mean [d] of the ordered values at `places`, or of `near` values nearest to it; None if loops cannot do it.

    Rows with NaN or infinity are refused in the name of `rule`, either way, which is looked for as they are ordered.
    """
    found = compiled_loops("ordering", updates)
    if found is None:
        if rule is not None:
            rule.check_numbers(updates)
        return None
    code, rows, used = found
    steps = group_steps(len(used), range(len(used)) if near else places, code.GROUP)
    value = torch.empty(rows.shape[1], dtype=updates.dtype)
    out, ends = value.numpy(), (places.start, places.stop)

    def work(start: int, stop: int) -> float:
        return float(code.mean_of_places(rows, used, steps, ends, near, start, stop, out))

    columns = max(1, BLOCK_ELEMENTS // len(used) // code.WIDTH) * code.WIDTH
    if math.isnan(sum(map_spans(work, updates, columns))) and rule is not None:
        rule.check_numbers(updates)
    return value


@cache
def group_steps(n: int, wanted: range, group: int) -> NDArray[np.int64]:
    """Which groups of rows are merged one after the other [steps, 3], so that the order statistics `wanted` are right.

    The network is that for single rows, with merges of ordered groups for comparators. Each step is told the two
    groups, and 1 if only the smaller values are asked for later, 2 if only the larger ones, 3 if both are.

    >>> group_steps(16, range(7, 9), 8).tolist()
    [[0, 1, 3]]
    """
    groups = range(wanted.start // group, (wanted.stop - 1) // group + 1)
    found = [
        (first, second, smaller + 2 * larger) for first, second, smaller, larger in network(-(-n // group), groups)
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 3)
