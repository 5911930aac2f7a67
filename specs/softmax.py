"""Softmax regression in closed form, in float64: losses' gradients, how long they get, and how fast they change.

A model is a vector [c d + c], weights [c, d] row by row and then biases [c], as `LogisticRegression` flattens. With
z = (x, 1) and s the softmax of an example's logits, the gradient is the outer product of s - e_y and z. Its length is
at most sqrt(2) |z|, since |s - e_y|^2 <= 2 (1 - s_y)^2. It is |z|^2 / 2-Lipschitz: the Hessian is that of
log-sum-exp, diag(s) - s s^T, times z z^T, and no variance of a 0-1 choice along a unit vector exceeds 1/2.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from fedprop.data.base import Examples
from fedprop.models import LogisticRegression
from fedprop.training import LocalTraining, Shards, Ticket
from fedprop.training.engine import EngineChoice, build_engine


def gradient(w: Tensor, held: Examples, classes: int) -> Tensor:
    """The gradient [c d + c] of the mean loss of some examples, at a model."""
    x = held.x.double().flatten(1)
    cut = classes * x.shape[1]
    errors = torch.softmax(x @ w[:cut].view(classes, -1).mT + w[cut:], dim=1)
    errors[range(len(x)), held.y] -= 1.0
    return torch.cat([(errors.mT @ x).flatten(), errors.sum(dim=0)]) / len(x)


def path(w: Tensor, held: Examples, classes: int, *, steps: int, lr: float) -> list[Tensor]:
    """The gradients of so many steps of gradient descent from a model."""
    found = []
    for _ in range(steps):
        found.append(gradient(w, held, classes))
        w = w - lr * found[-1]
    return found


class OfClass(NamedTuple):
    """What a client knows of a class: the share of its examples, their mean gradient, and how fast that changes."""

    share: float
    gradient: Callable[[Tensor], Tensor]
    lipschitz: float


def by_class(held: Examples, classes: int) -> dict[int, OfClass]:
    """The classes that a client holds."""
    found = {}
    for label in held.y.unique().tolist():
        own = Examples(held.x[held.y == label], held.y[held.y == label])
        changes = float((own.x.double().flatten(1).square().sum(dim=1) + 1.0).mean() / 2)
        found[label] = OfClass(len(own) / len(held), lambda w, own=own: gradient(w, own, classes), changes)
    return found


def updates(held: Sequence[Examples], starts: Sequence[Tensor], classes: int, *, steps: int, lr: float) -> list[Tensor]:
    """What fedprop's own training makes of so many steps over all data of each client, from a model of its own."""
    pool = Examples(torch.cat([own.x for own in held]), torch.cat([own.y for own in held]))
    parts = torch.split(torch.arange(len(pool)), [len(own) for own in held])
    module = LogisticRegression().build(tuple(pool.x.shape[1:]), classes, 0).to(pool.x.dtype)
    config = LocalTraining(lr=lr, steps=steps, batch_size=len(pool))
    train = build_engine(EngineChoice("sequential", "none"), module, Shards(pool, parts), config, seed=0)
    return [result.update for result in train([Ticket(client, 0, start) for client, start in enumerate(starts)])]
