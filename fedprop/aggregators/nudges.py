"""Whether equal distances, told apart by rounding alone, decide who is kept: for contracts, which have to say so."""

from collections.abc import Iterator

import torch

from fedprop.types import Gram, Updates

NUDGE, NUDGES = 1e-7, 24
"""How far, relatively, distances are moved, and how often: of two equal ones either is less in half of the cases."""


def nudged(distances: Gram, updates: Updates) -> Iterator[Gram]:
    """The distances [n, n] between rows [n, d], each a little longer or shorter; equal rows stay equal."""
    generator = torch.Generator().manual_seed(0)
    place = torch.unique(updates, dim=0, return_inverse=True)[1]
    for _ in range(NUDGES):
        noise = torch.randn(len(updates), len(updates), generator=generator, dtype=torch.float64).to(distances)
        yield distances * (1 + NUDGE * (noise + noise.T)[place][:, place])
