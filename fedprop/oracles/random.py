"""Definition of random models and updates, and how they are misread.

Source: Han et al. 2024 (FedSecurity), section 3.1, Byzantine attacks, mode 2, and its code.
"""

import torch

from fedprop.oracles.vectors import Row, Rows


def random(
    own: Rows, origin: Row, of: str, law: str, scale: float, generator: torch.Generator, buffers: int = 0
) -> list[list[float]]:
    """The updates that lead to models of drawn weights, or drawn themselves; buffers are what clients learnt."""
    shape = (len(own), len(origin))
    if law == "normal":
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64).tolist()
    else:
        drawn = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1).tolist()
    weights = len(origin) - buffers
    start = origin if of == "model" else [0.0] * len(origin)
    return [
        [scale * z - w for z, w in zip(numbers[:weights], start[:weights], strict=True)] + list(row[weights:])
        for numbers, row in zip(drawn, own, strict=True)
    ]


def models_for_updates(
    own: Rows, origin: Row, of: str, law: str, scale: float, generator: torch.Generator
) -> list[list[float]]:
    """Misread: what is meant of the model is drawn as the update, or the reverse."""
    return random(own, origin, "update" if of == "model" else "model", law, scale, generator)


def one_for_all(own: Rows, origin: Row, of: str, law: str, scale: float, generator: torch.Generator) -> list[float]:
    """Misread: all clients send the same numbers."""
    return random(own[:1], origin, of, law, scale, generator)[0]


def positive(own: Rows, origin: Row, of: str, law: str, scale: float, generator: torch.Generator) -> list[list[float]]:
    """Misread: from 0 to the scale, not from minus the scale."""
    drawn = random(own, [0.0] * len(origin), of, law, scale, generator)
    start = origin if of == "model" else [0.0] * len(origin)
    return [[(z + scale) / 2 - w for z, w in zip(row, start, strict=True)] for row in drawn]


MISREADINGS = {"models for updates": models_for_updates, "one for all": one_for_all, "positive": positive}
