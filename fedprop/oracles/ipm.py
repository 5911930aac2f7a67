"""Definition of inner product manipulation with a fixed factor, and how it is misread.

Source: reconstructed from Xie, Koyejo and Gupta, UAI 2020.
"""

from fedprop.oracles.vectors import Rows, mean_of


def ipm(rows: Rows, epsilon: float) -> list[float]:
    """-epsilon times the honest mean."""
    return [-epsilon * mean_of(column) for column in zip(*rows, strict=True)]


def each_its_own(rows: Rows, own: Rows, epsilon: float) -> list[list[float]]:
    """Misread: each attacker turns its own update round, which is sign flipping."""
    return [[-epsilon * value for value in row] for row in own]


def subtracted(rows: Rows, epsilon: float) -> list[float]:
    """Misread: epsilon times the mean is subtracted from the mean."""
    return [(1 - epsilon) * mean_of(column) for column in zip(*rows, strict=True)]


MISREADINGS = {"each its own": each_its_own, "subtracted": subtracted}
