"""Definition of the omniscient attack, and how it is misread.

Source: reconstructed from Xie, Koyejo and Gupta, "Generalized Byzantine-tolerant SGD" (2018).
"""

import math

from fedprop.oracles.vectors import Rows, mean_of


def opposite_sum(rows: Rows, scale: float) -> list[float]:
    """-scale sum_i x_i over the honest rows that are seen."""
    return [-scale * math.fsum(column) for column in zip(*rows, strict=True)]


def of_the_mean(rows: Rows, scale: float) -> list[float]:
    """Misread: the mean for the sum."""
    return [-scale * mean_of(column) for column in zip(*rows, strict=True)]


MISREADINGS = {"mean": of_the_mean}
