"""Local steps of many clients at once: their states are stacked, and one call computes all gradients.

Clients whose batches differ in size share a pass by padding, and the padding has weight zero. BatchNorm, and whatever
else keeps running statistics in a buffer, would see the padding: there each pass takes clients of one batch size only.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm

from fedprop.data.base import Examples
from fedprop.params import ParameterLayout
from fedprop.training.config import LocalTraining
from fedprop.training.directions import Directions, directions
from fedprop.training.products import WeightsOnTheLeft
from fedprop.training.schedule import Members, Pass, Schedule

Stack: TypeAlias = dict[str, Tensor]
"""Tensors by name; each has the clients as its first dimension."""

Differentiate: TypeAlias = Callable[[Stack, Stack, Pass], tuple[Stack, Tensor]]
"""From the parameters and buffers of all clients to the gradients and losses [k] of those that take a step."""


class StackedDescent:
    """Stochastic gradient descent of many clients on examples of one pool."""

    def __init__(self, module: nn.Module, pool: Examples, config: LocalTraining) -> None:
        self.module = module.train()
        self.layout = ParameterLayout.of(module)
        self.pool = pool
        self.config = config
        self.trainable = [entry.name for entry in self.layout.entries if entry.trainable]
        self._sees_padding = any(isinstance(part, _BatchNorm) for part in module.modules()) or any(
            entry.buffer for entry in self.layout.entries
        )

    def __call__(
        self, starts: Tensor, origins: Tensor, schedule: Schedule, differentiate: Differentiate | None = None
    ) -> tuple[Tensor, Tensor]:
        """All steps of clients that start from `starts` [k, d]: their final states [k, d] and summed losses [k].

        The proximal term pulls them towards `origins` [k, d]. `differentiate` gives the gradients of each pass; by
        default those of the batches' mean losses.
        """
        differentiate = differentiate or self._differentiate
        first, buffers = vmap(self.layout.views)(starts)
        anchors, _ = vmap(self.layout.views)(origins)
        params = {name: value.clone() for name, value in first.items()}
        memory = directions(params, self.config)
        losses = starts.new_zeros(len(starts))
        for step in range(schedule.steps):
            for part in schedule.passes(step, padded=not self._sees_padding):
                gradients, loss = differentiate(params, buffers, part)
                self._move(params, anchors, memory, gradients, part.members, step)
                losses[part.members] += loss
        return vmap(self.layout.join)(params, buffers), losses

    def _differentiate(self, params: Stack, buffers: Stack, part: Pass) -> tuple[Stack, Tensor]:
        """The gradients by name and the losses [k] of some clients, whose buffers the forward pass moves."""
        leaves = {name: value[part.members].detach() for name, value in params.items()}
        sources = [leaves[name].requires_grad_() for name in self.trainable]
        x, y = self.pool.x.index_select(0, part.rows.flatten()), self.pool.y[part.rows]
        inner = {name: value[part.members] for name, value in buffers.items()}
        with WeightsOnTheLeft():
            logits, after = vmap(self._forward)(leaves, inner, x.view(*part.rows.shape, *x.shape[1:]))
        for name, value in after.items():
            buffers[name][part.members] = value.detach()
        each = cross_entropy(logits.mT, y, reduction="none")
        losses = each.mean(1) if part.real is None else (each * part.real).sum(1) / part.real.sum(1)
        # A client's loss depends on its own state alone, so the gradient of the sum holds everyone's own gradient.
        found = torch.autograd.grad(losses.sum(), sources, allow_unused=True)
        gradients = {name: g for name, g in zip(self.trainable, found, strict=True) if g is not None}
        return gradients, losses.detach()

    def _forward(self, params: Stack, buffers: Stack, x: Tensor) -> tuple[Tensor, Stack]:
        """One client's logits, and its buffers as a forward pass in training mode leaves them."""
        after = {name: value.clone() for name, value in buffers.items()}
        return functional_call(self.module, (params, after), (x,)), after

    def _move(
        self, params: Stack, anchors: Stack, memory: Directions, gradients: Stack, members: Members, step: int
    ) -> None:
        """Take the step of some clients, in place."""
        for name, gradient in gradients.items():
            gradient = self._regularised(gradient, params[name][members], anchors[name][members])
            _subtract(params[name], members, memory.turn(name, gradient, members, step), self.config.lr)

    def _regularised(self, gradient: Tensor, params: Tensor, anchors: Tensor) -> Tensor:
        """The gradient with weight decay and the proximal term."""
        if self.config.weight_decay:
            gradient = gradient + self.config.weight_decay * params
        if self.config.proximal:
            gradient = gradient + self.config.proximal * (params - anchors)
        return gradient


def _subtract(stack: Tensor, members: Members, move: Tensor, lr: float) -> None:
    """Take `lr` times `move` off some clients' rows, in place."""
    if isinstance(members, slice):
        stack[members].sub_(move, alpha=lr)
    else:
        stack.index_add_(0, members, move, alpha=-lr)
