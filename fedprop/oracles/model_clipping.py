"""Definition of model clipping, and how it has been misread."""

from collections.abc import Callable, Mapping

from fedprop.oracles.vectors import Row, cut


def model_clipping(
    aggregate: Row, model: Row, max_norm: float, growth: float = 0.0, cap: float | None = None, round: int = 0
) -> list[float]:
    """W' - w, with w' = (w + a) min(1, rho / ||w + a||) and rho = max_norm + growth (round + 1), at most `cap`.

    Source: Xie et al. (CRFL), ICML 2021, Algorithm 1, for the round counted from 0.
    """
    rho = min(max_norm + growth * (round + 1), float("inf") if cap is None else cap)
    moved = [w + a for w, a in zip(model, aggregate, strict=True)]
    return [after - w for after, w in zip(cut(moved, rho), model, strict=True)]


def _of_the_update(aggregate: Row, model: Row, max_norm: float) -> list[float]:
    """The update is clipped, and not the model."""
    return cut(aggregate, max_norm)


def _of_the_old_model(aggregate: Row, model: Row, max_norm: float) -> list[float]:
    """The old model is clipped and the update added to it."""
    return [a + after - w for a, after, w in zip(aggregate, cut(model, max_norm), model, strict=True)]


def _by_coordinate(aggregate: Row, model: Row, max_norm: float) -> list[float]:
    """Every coordinate is clipped by itself."""
    return [max(-max_norm, min(max_norm, w + a)) - w for w, a in zip(model, aggregate, strict=True)]


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "the update clipped": _of_the_update,
    "the old model clipped": _of_the_old_model,
    "coordinate by coordinate": _by_coordinate,
}
