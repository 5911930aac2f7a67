"""Definition of RSA's two steps."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Row, Rows


def sign(v: float) -> float:
    """-1, 0 or 1."""
    return float((v > 0) - (v < 0))


def slope(x: Row, norm: str) -> list[float]:
    """A subgradient of the norm of x; zero at zero."""
    if norm == "l1":
        return [sign(v) for v in x]
    if norm == "l2":
        length = math.hypot(*x)
        return [v / length if length else 0.0 for v in x]
    most = max(abs(v) for v in x)
    largest = [i for i, v in enumerate(x) if abs(v) == most]
    return [sign(v) / len(largest) if i in largest else 0.0 for i, v in enumerate(x)]


def minus(x: Row, y: Row) -> list[float]:
    """X - y."""
    return [a - b for a, b in zip(x, y, strict=True)]


def client_step(own: Row, received: Row, gradient: Row, lr: float, lambda_: float, norm: str) -> list[float]:
    """w_i - lr (gradient + lambda d||w_i - w_0||).

    Source: Li et al., AAAI 2019, the workers' update of RSA.
    """
    pull = slope(minus(own, received), norm)
    return [w - lr * (g + lambda_ * p) for w, g, p in zip(own, gradient, pull, strict=True)]


def server_step(received: Row, models: Rows, lr: float, lambda_: float, decay: float, norm: str) -> list[float]:
    """w_0 - lr (decay w_0 + lambda sum_i d||w_0 - w_i||).

    Source: Li et al., AAAI 2019, the master's update of RSA, with f_0 = decay / 2 ||w_0||^2.
    """
    return _server(received, models, lr, lambda_, decay, norm)


def _server(
    received: Row,
    models: Rows,
    lr: float,
    lambda_: float,
    decay: float,
    norm: str,
    *,
    sloped: Callable[[Row, str], list[float]] = slope,
    mean: bool = False,
    away: bool = False,
) -> list[float]:
    pulls = [sloped(minus(received, model), norm) for model in models]
    sums = [math.fsum(column) / (len(models) if mean else 1) for column in zip(*pulls, strict=True)]
    turned = -1.0 if away else 1.0
    return [w - lr * (decay * w + turned * lambda_ * s) for w, s in zip(received, sums, strict=True)]


def _squared(x: Row, norm: str) -> list[float]:
    return [2 * v for v in x]


def _never_zero(x: Row, norm: str) -> list[float]:
    return [1.0 if v >= 0 else -1.0 for v in x]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "the mean of the signs": lambda *told: _server(*told, mean=True),
    "away from the clients": lambda *told: _server(*told, away=True),
    "the square of the norm": lambda *told: _server(*told, sloped=_squared),
    "a sign of zero": lambda *told: _server(*told, sloped=_never_zero),
    "no decay": lambda w, m, lr, la, decay, norm: _server(w, m, lr, la, 0.0, norm),
}
"""Wrong readings of the server's step."""
