"""What residual networks normalise by: the batch, or groups of channels of one example."""

from math import gcd
from typing import Literal, TypeAlias

from torch import nn

GROUPS = 32
"""How many groups of channels Wu and He normalise over, where there are so many channels."""

Norm: TypeAlias = Literal["batch", "group"]


def normalised(norm: Norm, width: int, *, least: int = 1) -> nn.Module:
    """A layer that normalises so many channels; a group of them has at least so many, if the width allows."""
    return nn.BatchNorm2d(width) if norm == "batch" else nn.GroupNorm(gcd(GROUPS, width // least), width)
