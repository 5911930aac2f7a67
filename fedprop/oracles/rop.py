"""Definition of the relocated orthogonal perturbation, and how it is misread.

Source: reconstructed from the code of Ozfatura et al. (2022).
"""

import math

from fedprop.oracles.vectors import Row, Rows, direction, mean_of


def rop(rows: Rows, origin: Row, past: Rows, lambda_: float, pi: float, theta: float, z: float) -> list[float]:
    """The point pi m + (1 - pi) mu, and z (sin(theta) p + cos(theta) u) from it."""
    mean = [mean_of(column) for column in zip(*rows, strict=True)]
    change = [now - then for now, then in zip(origin, past[-1] if past else origin, strict=True)]
    mixed = [lambda_ * c + (1 - lambda_) * b for c, b in zip(change, mean, strict=True)] if past else mean
    u = direction(mixed)
    p = _across(u)
    angle = math.radians(theta)
    return [
        pi * c + (1 - pi) * b + z * (math.sin(angle) * a + math.cos(angle) * v)
        for c, b, a, v in zip(change, mean, p, u, strict=True)
    ]


def around_the_mean(
    rows: Rows, origin: Row, past: Rows, lambda_: float, pi: float, theta: float, z: float
) -> list[float]:
    """Misread: the push is not relocated, but starts at mu whatever pi says."""
    return rop(rows, origin, past, lambda_, 0.0, theta, z)


def radians(rows: Rows, origin: Row, past: Rows, lambda_: float, pi: float, theta: float, z: float) -> list[float]:
    """Misread: degrees for radians."""
    return rop(rows, origin, past, lambda_, pi, math.degrees(theta), z)


def _across(u: list[float]) -> list[float]:
    """The ones without their part along u, at length 1; nothing in one dimension."""
    if len(u) == 1:
        return [0.0]
    along = math.fsum(u)
    return direction([1 - along * v for v in u])


MISREADINGS = {"around the mean": around_the_mean, "radians": radians}
