"""Definition of the moving average with the old model, and how it has been misread."""

from collections.abc import Callable, Mapping

from fedprop.oracles.vectors import Row


def moving_average(aggregate: Row, alpha: float) -> list[float]:
    """(1 - alpha) w + alpha w' as a way from w, for w' = w + a.

    Source: Xie, Koyejo and Gupta (SLSGD), ECML 2019, Algorithm 1. Updates are ways from w, so w is at the origin here.
    """
    w = 0.0
    return [(1 - alpha) * w + alpha * (w + a) for a in aggregate]


def _alpha_on_the_old(aggregate: Row, alpha: float) -> list[float]:
    """Alpha is the share of the old model."""
    return moving_average(aggregate, 1 - alpha)


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {"alpha on the old model": _alpha_on_the_old}
