"""Training that compromised clients do on their own account, on data of their choice."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from fedprop.attacks.workshop import Workshop
from fedprop.types import Vector

Hook: TypeAlias = Callable[[Vector, Vector], Vector]
"""From the model [d] and the gradient [d] there, the gradient to follow: for an own loss, or a mask."""

Project: TypeAlias = Callable[[Vector], Vector]
"""From the model [d] after a step, the model to go on from: for a bound on how far training may lead."""


def onto_ball(centre: Vector, radius: float) -> Project:
    """To the nearest model of Euclidean distance `radius` or less from `centre`."""

    def project(model: Vector) -> Vector:
        change = model.double() - centre.double()
        share = (radius / change.norm()).clamp(max=1.0)
        nearest: Vector = centre.double() + share * change
        return nearest.to(model.dtype)

    return project


def onto_box(centre: Vector, radius: float) -> Project:
    """To the nearest model whose weights each differ by `radius` or less from those of `centre`."""

    def project(model: Vector) -> Vector:
        change = model.double() - centre.double()
        return (centre.double() + change.clamp(-radius, radius)).to(model.dtype)

    return project


def trained(
    tools: Workshop,
    start: Vector,
    x: Tensor,
    y: Tensor,
    *,
    epochs: int,
    lr: float,
    batch_size: int,
    generator: torch.Generator,
    hook: Hook | None = None,
    project: Project | None = None,
) -> Vector:
    """The model [d] that plain stochastic gradient descent reaches from `start`, which stays as it is.

    Parameters
    ----------
    tools : whose gradients to follow.
    x, y : the examples, inputs [n, ...] with labels [n]; each epoch goes through all of them in a random order.
    epochs, lr, batch_size : how long, how far and on how many examples at a time; the last batch may be smaller.
    hook : what becomes of each gradient before it is followed; None for nothing.
    project : what becomes of the model after each step; None for nothing.
    """
    model = start
    for _ in range(epochs):
        order = torch.randperm(len(y), generator=generator).to(y.device)
        for batch in torch.split(order, batch_size):
            gradient = tools.gradient(model, x[batch], y[batch])
            model = model - lr * (gradient if hook is None else hook(model, gradient))
            model = model if project is None else project(model)
    return model
