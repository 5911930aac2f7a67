"""Definition of A Little Is Enough, and how its number of deviations is misread."""

import math

from fedprop.oracles.vectors import Row, Rows, total


def phi(z: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def passing(n: int, m: int) -> float:
    """The share of the honest that need not support m attackers among n, (n - m - s) / (n - m)."""
    supporters = n // 2 + 1 - m
    return (n - m - supporters) / (n - m)


def largest_z(n: int, m: int) -> float:
    """Sup {z : Phi(z) < passing}, by halving; 0 where no z is below, 4 where all are."""
    if n <= 2:
        return 0.0
    if m >= n or passing(n, m) >= 1:
        return 4.0
    low, high = -10.0, 10.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if phi(middle) < passing(n, m) else (low, middle)
    return low


def alie(rows: Rows, n: int, m: int, z: float | None = None) -> list[float]:
    """The row that all m attackers among n send: mu - z sigma per coordinate, with z_max if `z` is None.

    Source: Baruch et al., NeurIPS 2019, Algorithm 3 and equation 1.
    """
    many = largest_z(n, m) if z is None else z
    return [_beyond(column, many) for column in zip(*rows, strict=True)]


def with_the_cdf(rows: Rows, n: int, m: int) -> list[float]:
    """Misread: Phi of the fraction where its inverse is meant, as in published tables of z."""
    return [_beyond(column, phi(passing(n, m))) for column in zip(*rows, strict=True)]


def with_the_sample_deviation(rows: Rows, n: int, m: int) -> list[float]:
    """Misread: sigma divides by one less than the number of rows."""
    stretched = math.sqrt(len(rows) / max(1, len(rows) - 1))
    return [_beyond(column, largest_z(n, m) * stretched) for column in zip(*rows, strict=True)]


def _beyond(column: Row, z: float) -> float:
    mean = total(column) / len(column)
    return mean - z * math.sqrt(total([(value - mean) ** 2 for value in column]) / len(column))


MISREADINGS = {"cdf": with_the_cdf, "sample deviation": with_the_sample_deviation}
