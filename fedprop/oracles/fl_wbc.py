"""Definition of what FL-WBC's client does after a step."""

from collections.abc import Callable, Mapping

from fedprop.oracles.vectors import Row


def fl_wbc(weights: Row, gradient: Row, before: Row | None, noise: Row, lr: float) -> list[float]:
    """W + lr * noise wherever |g - g before| <= |noise|; nothing after the first batch of a pass.

    Source: Sun et al., NeurIPS 2021, Algorithm 1 of FL-WBC, and the authors' code.
    """
    if before is None:
        return list(weights)
    return [
        w + lr * u if abs(g - b) <= abs(u) else w for w, g, b, u in zip(weights, gradient, before, noise, strict=True)
    ]


def _fifth(weights: Row, gradient: Row, before: Row | None, noise: Row, lr: float) -> list[float]:
    return fl_wbc(weights, gradient, [g / 5 for g in gradient], noise, lr)


def _where_it_changed(weights: Row, gradient: Row, before: Row | None, noise: Row, lr: float) -> list[float]:
    if before is None:
        return list(weights)
    return [
        w + lr * u if abs(g - b) > abs(u) else w for w, g, b, u in zip(weights, gradient, before, noise, strict=True)
    ]


def _signed(weights: Row, gradient: Row, before: Row | None, noise: Row, lr: float) -> list[float]:
    if before is None:
        return list(weights)
    return [w + lr * u if abs(g - b) <= u else w for w, g, b, u in zip(weights, gradient, before, noise, strict=True)]


MISREADINGS: Mapping[str, Callable[[Row, Row, Row | None, Row, float], list[float]]] = {
    "a fifth of the gradient for the one before": _fifth,
    "where the gradient changed": _where_it_changed,
    "noise below zero never moves": _signed,
    "no learning rate": lambda w, g, b, u, lr: fl_wbc(w, g, b, u, 1.0),
    "the first batch changed from zero": lambda w, g, b, u, lr: fl_wbc(w, g, b or [0.0] * len(g), u, lr),
}
"""Wrong readings."""
