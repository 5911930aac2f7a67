"""A lower bound on the largest eigenvalue of each of many sets of rows, for less than the eigenvalues would cost."""

import torch
from jaxtyping import Float
from torch import Tensor

from fedprop.types import Gram

STEPS = 16
"""Steps of Lanczos's method: the bound lacks a thousandth or less of most eigenvalues then."""

ROUNDING = 1e-13
"""What rounding may add to the bound, as a share of the sum of all eigenvalues; ten times what was seen."""


def scatter_at_least(gram: Gram, kept: Float[Tensor, "s n"]) -> Float[Tensor, " s"]:
    """For each set, a number that the largest eigenvalue of its centred inner products is at least.

    It is the largest eigenvalue within the space that a vector and its images under the matrix span, which is found
    without the matrix of a set: only the sums of rows of `gram` are needed, for all sets at once.

    Source: Lanczos's method as in Golub and Van Loan, Matrix Computations, Section 10.1, without orthogonalisation,
    which costs copies of eigenvalues and no validity (Paige 1980).
    """
    scale = gram.abs().max()
    if scale == 0:
        return kept.new_zeros(len(kept))
    sized = gram / scale
    start = torch.arange(1, kept.shape[1] + 1, dtype=kept.dtype, device=kept.device).sin()
    way, before, off = _unit(_centred(kept * start, kept))[0], torch.zeros_like(kept), kept.new_zeros(len(kept))
    found = kept.new_zeros(len(kept), STEPS, STEPS)
    for step in range(STEPS):
        image = _centred(way @ sized, kept)
        along = (image * way).sum(dim=1)
        found[:, step, step] = along
        rest = image - along[:, None] * way - off[:, None] * before
        before = way
        # What is left may be rounding alone, which knows of no mean; taken out again, it is as good a beginning as any.
        way, off = _unit(_centred(rest, kept))
        if step + 1 < STEPS:
            found[:, step, step + 1] = found[:, step + 1, step] = off
    largest: Tensor = torch.linalg.eigvalsh(found)[:, -1]
    return ((largest - ROUNDING * (kept @ sized.diagonal())) * scale).clamp(min=0)


def _centred(ways: Float[Tensor, "s n"], kept: Float[Tensor, "s n"]) -> Float[Tensor, "s n"]:
    """Without the part of other rows than those kept, and of their mean."""
    mean = (ways * kept).sum(dim=1) / kept.sum(dim=1)
    return kept * (ways - mean[:, None])


def _unit(ways: Float[Tensor, "s n"]) -> tuple[Float[Tensor, "s n"], Float[Tensor, " s"]]:
    """Each at length one, and its length; zero if it has none."""
    lengths = ways.norm(dim=1)
    return (ways / lengths[:, None]).where(lengths[:, None] > 0, 0), lengths
