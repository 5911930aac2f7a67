"""Random draws for attacks: in float64 on the generator's device, so that they are the same on every device."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from fedprop.types import Updates, Vector


def uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Independent draws from [0, 1), moved to the device of `like`."""
    draws = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
    return draws.to(like.device)


def normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Independent standard Gaussian draws, moved to the device of `like`."""
    draws = torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float64)
    return draws.to(like.device)


def some(count: int, share: float, generator: torch.Generator) -> Tensor:
    """Which of `count` things make up a random share of them, at least one: their places, on the generator's device."""
    return torch.randperm(count, generator=generator, device=generator.device)[: max(1, round(share * count))]


def afresh(generator: torch.Generator) -> torch.Generator:
    """A generator at the start of the stream, for what is drawn twice alike: while crafting and while remembering."""
    return torch.Generator().manual_seed(generator.initial_seed())


def ball(centre: Vector, radius: float, count: int, generator: torch.Generator) -> Updates:
    """`count` points, float64 [count, d], uniform in the Euclidean ball around `centre`.

    A Gaussian vector points in a uniform direction, and the distance of a uniform point from the centre is the radius
    times the d-th root of a uniform number.
    """
    d = len(centre)
    towards = normalize(normal((count, d), centre, generator), dim=1)
    distance = radius * uniform((count, 1), centre, generator) ** (1 / d)
    return centre + distance * towards
