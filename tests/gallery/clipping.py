"""Clipping before averaging: correct ones, and what went wrong elsewhere."""

import torch
from torch import Tensor

from fedprop.properties import claims


@claims(permutation=True, orthogonal=True)
def clipped_mean(rows: Tensor) -> Tensor:
    """Sun et al., 2019: each row shortened to length 2 if it is longer, then the mean."""
    x = rows.double()
    factors = (2 / x.norm(dim=1).clamp(min=1e-300)).clamp(max=1)
    return (factors @ x / len(x)).to(rows.dtype)


@claims(permutation=True, orthogonal=True)
def clips_in_place(rows: Tensor) -> Tensor:
    """The clipped rows are written over the clients' updates."""
    for i in range(len(rows)):
        length = rows[i].norm()
        if length > 2:
            rows[i] = rows[i] * (2 / length)
    return rows.mean(dim=0)


@claims(permutation=True, orthogonal=True)
def clips_coordinates(rows: Tensor) -> Tensor:
    """Each coordinate is clipped by itself, which turns the update."""
    return rows.double().clamp(-2, 2).mean(dim=0).to(rows.dtype)


@claims(permutation=True, orthogonal=True)
def lengthens_short_ones(rows: Tensor) -> Tensor:
    """Every row is scaled to the bound, short ones up; a row of zeros becomes NaN."""
    x = rows.double()
    return (x * (2 / x.norm(dim=1))[:, None]).mean(dim=0).to(rows.dtype)


@claims(translation=True, idempotent=True)
def centred_clipping(rows: Tensor) -> Tensor:
    """Karimireddy et al., ICML 2021, Algorithm 2, five steps of radius 1 from the coordinate-wise median."""
    x = rows.double()
    centre = x.sort(dim=0).values[len(x) // 2]
    for _ in range(5):
        away = x - centre
        factors = (1 / away.norm(dim=1).clamp(min=1e-300)).clamp(max=1)
        centre = centre + factors @ away / len(x)
    return centre.to(rows.dtype)


@claims(translation=True, idempotent=True)
def random_centre(rows: Tensor) -> Tensor:
    """The first centre is a row drawn from the global generator, so that equal rounds have unequal answers."""
    x = rows.double()
    centre = x[torch.randint(len(x), ())]
    for _ in range(5):
        away = x - centre
        factors = (1 / away.norm(dim=1).clamp(min=1e-300)).clamp(max=1)
        centre = centre + factors @ away / len(x)
    return centre.to(rows.dtype)
