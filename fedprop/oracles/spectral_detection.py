"""Definition of spectral anomaly detection with a linear autoencoder, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, weighted_mean, within_reach

FLAT, KNOWN, TIE = 1e-6, 1e-9, 1e-9
"""Shares below which a variance, an error, and how far an error is above the threshold are zero but for rounding."""

Rehearse = Callable[[int], Rows]


def seen_from(mean: Row, rows: Rows) -> Rows:
    """The rows less the mean, all in one unit."""
    return within_reach([[v - m for v, m in zip(x, mean, strict=True)] for x in rows])


def principal_axes(away: Rows, codes: int) -> list[list[float]]:
    """The directions, at most `codes`, along which rows seen from their mean vary most."""
    _, deviations, directions = np.linalg.svd(np.array(away), full_matrices=False)
    least = math.sqrt(FLAT) * deviations[0]
    return [u.tolist() for s, u in zip(deviations[:codes], directions[:codes], strict=True) if s > least]


def reconstruction(away: Row, axes: Sequence[Row]) -> list[float]:
    """The code of a row, its product with each axis, turned back into a row."""
    code = [math.fsum(a * v for a, v in zip(axis, away, strict=True)) for axis in axes]
    return [math.fsum(c * axis[j] for c, axis in zip(code, axes, strict=True)) for j in range(len(away))]


def error(away: Row, axes: Sequence[Row]) -> float:
    """The distance of a row, seen from the mean, from its reconstruction; 0 if rounding alone sets them apart."""
    decoded = reconstruction(away, axes)
    found = math.dist(away, decoded)
    return found if found > KNOWN * math.hypot(*decoded) else 0.0


def errors(rows: Rows, rehearsed: Rows, codes: int) -> list[float]:
    """Of each row, by the autoencoder that is trained on what was rehearsed."""
    mean = weighted_mean(rehearsed, [1.0] * len(rehearsed))
    axes = principal_axes(seen_from(mean, rehearsed), codes)
    return [error(away, axes) for away in seen_from(mean, rows)]


def mean_below(rows: Rows, found: Sequence[float], threshold: float) -> list[float]:
    """The mean of the rows whose number is not above the threshold."""
    return weighted_mean(rows, [float(e <= threshold * (1 + TIE)) for e in found])


def by_power(rows: Rows, found: Sequence[float], power: float) -> list[float]:
    """The mean weighted by 1 / e^power; of the rows with e = 0 if there are any."""
    least = min(found)
    return weighted_mean(rows, [float(e == least) if least == 0 else (least / e) ** power for e in found])


def spectral_detection(
    rows: Rows, rehearse: Rehearse, rehearsals: int = 10, codes: int = 3, power: float | None = None
) -> list[float]:
    """The mean of the rows with e_i <= mean of all e; with a power, sum of e_i^-power x_i over sum of e_i^-power.

    e_i = ||x_i - m - V' V (x_i - m)||, with m the mean of the rehearsals and V their first principal axes: the linear
    autoencoder of the least squared error. Sources: Li et al., arXiv:2002.00211 and arXiv:1910.09933 (reconstructed);
    Baldi and Hornik, Neural Networks 2 (1989).
    """
    found = errors(rows, rehearse(rehearsals), codes)
    if power is not None:
        return by_power(rows, found, power)
    return mean_below(rows, found, math.fsum(found) / len(found))


def _median_error(rows: Rows, rehearse: Rehearse, rehearsals: int, codes: int, power: float | None) -> list[float]:
    found = errors(rows, rehearse(rehearsals), codes)
    return mean_below(rows, found, median_of(found))


def _squared_errors(rows: Rows, rehearse: Rehearse, rehearsals: int, codes: int, power: float | None) -> list[float]:
    """Squared errors are compared, or raised to the power."""
    found = [e * e for e in errors(rows, rehearse(rehearsals), codes)]
    if power is not None:
        return by_power(rows, found, power)
    return mean_below(rows, found, math.fsum(found) / len(found))


def _by_the_code(rows: Rows, rehearse: Rehearse, rehearsals: int, codes: int, power: float | None) -> list[float]:
    """The length of the code decides."""
    rehearsed = rehearse(rehearsals)
    mean = weighted_mean(rehearsed, [1.0] * len(rehearsed))
    axes = principal_axes(seen_from(mean, rehearsed), codes)
    found = [math.hypot(*reconstruction(away, axes)) for away in seen_from(mean, rows)]
    return mean_below(rows, found, math.fsum(found) / len(found))


def _divided_by_all(rows: Rows, rehearse: Rehearse, rehearsals: int, codes: int, power: float | None) -> list[float]:
    """Rows that are left out count as zeros."""
    found = errors(rows, rehearse(rehearsals), codes)
    usual = math.fsum(found) / len(found)
    kept = [x if e <= usual * (1 + TIE) else [0.0] * len(x) for x, e in zip(rows, found, strict=True)]
    return weighted_mean(kept, [1.0] * len(rows))


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "the median error": _median_error,
    "squared errors": _squared_errors,
    "by the code": _by_the_code,
    "divided by all": _divided_by_all,
}
