"""How gradients change with the model, from how they have changed: the L-BFGS matrix."""

import torch
from torch import Tensor

from fedprop.types import Vector

RANK = 1e-12
"""What is smaller than this share of the largest singular value of a system counts as zero."""


def hessian_times(steps: Tensor, changes: Tensor, direction: Vector) -> Vector:
    """B v [d] for the L-BFGS matrix B of steps [m, d] and the changes [m, d] of the gradient along them, m >= 1.

    B begins as a multiple of the identity, by the last step, and after all updates meets the secant equation of the
    last one: B step = change. Where steps depend on each other the least of the solutions is taken. All in float64.

    Source: Byrd, Nocedal and Schnabel, "Representations of Quasi-Newton Matrices and Their Use in Limited Memory
    Methods", Mathematical Programming 63 (1994), Theorem 2.3.
    """
    products = steps @ changes.T
    sigma = products[-1, -1] / steps[-1].square().sum()
    lower = products.tril(-1)
    system = torch.cat(
        [
            torch.cat([sigma * steps @ steps.T, lower], dim=1),
            torch.cat([lower.T, -products.diagonal().diag()], dim=1),
        ]
    )
    known = torch.cat([sigma * steps @ direction, changes @ direction])
    if not torch.isfinite(system).all():
        return torch.zeros_like(direction)
    found = torch.linalg.pinv(system, rtol=RANK, hermitian=True) @ known
    m = len(steps)
    moved = sigma * direction - sigma * (found[:m] @ steps) - found[m:] @ changes
    return moved if bool(torch.isfinite(moved).all()) else torch.zeros_like(direction)
