"""Definition of Gaussian noise after aggregation, and how it has been misread."""

from collections.abc import Callable, Mapping

import torch

from fedprop.oracles.vectors import Row


def gaussian_noise(
    aggregate: Row, std: float, generator: torch.Generator, rounds: int | None = None, round: int = 0
) -> list[float]:
    """A + N(0, std^2 I), and in the last of so many rounds, counted from 0, a alone.

    Source: Sun et al., 2019, Section 4; for the last round Xie et al. (CRFL), ICML 2021, Algorithm 1.
    """
    if rounds is not None and round == rounds - 1:
        return list(aggregate)
    noise = torch.randn(len(aggregate), generator=generator).tolist()
    return [a + std * z for a, z in zip(aggregate, noise, strict=True)]


def _not_added(aggregate: Row, std: float, generator: torch.Generator) -> list[float]:
    """The noise is drawn, and the weights without it are loaded."""
    torch.randn(len(aggregate), generator=generator)
    return list(aggregate)


def _variance(aggregate: Row, std: float, generator: torch.Generator) -> list[float]:
    """The deviation is squared."""
    return gaussian_noise(aggregate, std**2, generator)


def _one_for_all(aggregate: Row, std: float, generator: torch.Generator) -> list[float]:
    """Every coordinate gets the same noise."""
    z = torch.randn(1, generator=generator).item()
    return [a + std * z for a in aggregate]


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "not added": _not_added,
    "the variance for the deviation": _variance,
    "one draw for all coordinates": _one_for_all,
}
