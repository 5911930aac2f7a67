"""Definition of sybils with noise, and how it is misread.

Source: reconstructed from Fung, Yoon and Beschastnikh, RAID 2020.
"""

import math

import torch

from fedprop.oracles.vectors import Rows, mean_of


def sybils(own: Rows, factor: float, noise: float, generator: torch.Generator) -> list[list[float]]:
    """Factor times the mean; the first of each pair adds noise about `noise` times as long, the second takes it off.

    A client that is left over adds none.
    """
    row = [factor * mean_of(column) for column in zip(*own, strict=True)]
    size = noise * math.hypot(*row) / math.sqrt(len(row))
    draws = torch.randn(len(own) // 2, len(row), generator=generator, dtype=torch.float64).tolist()
    pairs = [[b + sign * size * z for b, z in zip(row, drawn, strict=True)] for drawn in draws for sign in (1, -1)]
    return pairs + [row] * (len(own) % 2)


def alone(own: Rows, factor: float, noise: float, generator: torch.Generator) -> list[list[float]]:
    """Misread: each draws noise for itself, so that it does not cancel."""
    middle = [mean_of(column) for column in zip(*own, strict=True)]
    return [sybils([middle, middle], factor, noise, generator)[0] for _ in own]


def each_its_own(own: Rows, factor: float, noise: float, generator: torch.Generator) -> list[list[float]]:
    """Misread: each dresses its own update, so that there are no copies."""
    middle = [mean_of(column) for column in zip(*own, strict=True)]
    dressed = sybils(own, factor, noise, generator)
    return [
        [a + factor * (v - b) for a, v, b in zip(sent, row, middle, strict=True)]
        for sent, row in zip(dressed, own, strict=True)
    ]


MISREADINGS = {"alone": alone, "each its own": each_its_own}
