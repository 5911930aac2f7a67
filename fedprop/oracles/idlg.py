"""iDLG: the label of one example, from the gradient of the last layer's weights."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedprop.oracles.vectors import Row


def idlg(rows: Sequence[Row]) -> int:
    """The class whose row has the least sum; rows are (p_c - y_c) h, so that where h >= 0 it alone has a negative one.

    Source: Zhao, Mopuri and Bilen, "iDLG: Improved Deep Leakage from Gradients", 2020, section 3.
    """
    sums = [sum(row) for row in rows]
    return min(range(len(sums)), key=lambda c: sums[c])


def _largest(rows: Sequence[Row]) -> int:
    """The row that is longest: another class may be so unlikely, or the right one so likely, that it is not."""
    sizes = [sum(value * value for value in row) for row in rows]
    return max(range(len(sizes)), key=lambda c: sizes[c])


MISREADINGS: Mapping[str, Callable[..., Any]] = {"the longest row": _largest}
