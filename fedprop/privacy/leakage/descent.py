"""L-BFGS on the squared distance between two gradients, as deep leakage from gradients does it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fedprop.types import Vector


def squared_distance(found: Vector, told: Vector) -> Tensor:
    """The squared Euclidean distance over all layers together."""
    return (found - told).square().sum()


def least(
    distance: Callable[[], Tensor], variables: Sequence[Tensor], *, iterations: int, enough: float = 0.0
) -> float:
    """Move the variables, in place, until the distance no longer falls; answers with the last one.

    L-BFGS with rate 1 and no line search, 20 evaluations in an iteration, as the authors of DLG call torch's. It stops
    early where an iteration changes nothing, since the next ones would not either, and below `enough`.
    """
    optimizer = torch.optim.LBFGS(list(variables), lr=1.0)

    def closure() -> float:
        found = distance()
        gradients = torch.autograd.grad(found, list(variables))
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.grad = gradient
        return float(found.detach())

    last = float("inf")
    for _ in range(iterations):
        before = [variable.detach().clone() for variable in variables]
        last = float(optimizer.step(closure))  # type: ignore[no-untyped-call]
        if last < enough or all(map(torch.equal, before, variables)) or not last < float("inf"):
            break
    return last
