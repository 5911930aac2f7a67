"""Local steps of many clients at once: their states are stacked, and one call computes all gradients.

Clients whose batches differ in size share a pass by padding, and the padding has weight zero. BatchNorm, and whatever
else keeps running statistics in a buffer, would see the padding: there each pass takes clients of one batch size only.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from fedprop.data.base import Examples
from fedprop.params import ParameterLayout
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training.config import LocalTraining
from fedprop.training.directions import Directions, directions
from fedprop.training.linear import LinearGradients
from fedprop.training.products import StackedLayers
from fedprop.training.schedule import Members, Pass, Schedule
from fedprop.training.steered import Moment, Steered
from fedprop.training.steering import Lesson, Stack, column

Rates: TypeAlias = float | Tensor
"""One learning rate for all clients, or one for each [k]."""

CLIPPING_SLACK = 1e-6
"""What torch and opacus add to a norm before they divide by it."""

Differentiate: TypeAlias = Callable[[Stack, Stack, Pass], tuple[Stack, Tensor]]
"""From the parameters and buffers of all clients to the gradients and losses [k] of those that take a step."""


class StackedDescent:
    """Stochastic gradient descent of many clients on examples of one pool."""

    def __init__(self, module: nn.Module, pool: Examples, config: LocalTraining, task: Task = CLASSIFICATION) -> None:
        self.module = module.train()
        self.layout = ParameterLayout.of(module)
        self.pool = pool
        self.config = config
        self.task = task
        self.trainable = [entry.name for entry in self.layout.entries if entry.trainable]
        self._closed = LinearGradients.of(module, pool, task)
        self._sees_padding = any(isinstance(part, _BatchNorm) for part in module.modules()) or any(
            entry.buffer for entry in self.layout.entries
        )

    def __call__(
        self,
        starts: Tensor,
        origins: Tensor,
        rates: Rates,
        schedule: Schedule,
        differentiate: Differentiate | None = None,
        steered: Steered | None = None,
    ) -> tuple[Tensor, Tensor]:
        """All steps of clients that start from `starts` [k, d]: their final states [k, d] and summed losses [k].

        `rates` are their learning rates. The proximal term pulls them towards `origins` [k, d]. `differentiate` gives
        the gradients of each pass; by default those of the batches' mean losses, in closed form where the model is
        one linear layer. `steered` is what a defense has them
        do besides.
        """
        differentiate = differentiate or self._closed or self._differentiate
        first, buffers = vmap(self.layout.views)(starts)
        anchors, _ = vmap(self.layout.views)(origins)
        params = {name: value.clone() for name, value in first.items()}
        memory = directions(params, self.config)
        losses = starts.new_zeros(len(starts))
        for step in range(schedule.steps):
            for part in schedule.passes(step, padded=not self._sees_padding):
                gradients, loss = differentiate(params, buffers, part)
                at = Moment(part.members, step, anchors, partial(self._lesson, params, buffers, part))
                self._move(params, memory, rates, gradients, at, steered)
                losses[part.members] += loss
        return vmap(self.layout.join)(params, buffers), losses

    def _lesson(self, params: Stack, buffers: Stack, part: Pass) -> Lesson:
        """What some clients see in their step."""
        state = {name: value[part.members].detach() for name, value in params.items()}
        state |= {name: value[part.members].clone() for name, value in buffers.items()}
        real = torch.ones_like(part.rows, dtype=torch.bool) if part.real is None else part.real
        return Lesson(self.module, state, self.pool.x[part.rows], self.pool.y[part.rows], real)

    def _differentiate(self, params: Stack, buffers: Stack, part: Pass) -> tuple[Stack, Tensor]:
        """The gradients by name and the losses [k] of some clients, whose buffers the forward pass moves."""
        leaves = {name: value[part.members].detach() for name, value in params.items()}
        sources = [leaves[name].requires_grad_() for name in self.trainable]
        x, y = self.pool.x.index_select(0, part.rows.flatten()), self.pool.y[part.rows]
        inner = {name: value[part.members] for name, value in buffers.items()}
        with StackedLayers():
            logits, after = vmap(self._forward)(leaves, inner, x.view(*part.rows.shape, *x.shape[1:]))
        for name, value in after.items():
            buffers[name][part.members] = value.detach()
        each = self.task.each(logits, y)
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
        self,
        params: Stack,
        memory: Directions,
        rates: Rates,
        gradients: Stack,
        at: Moment,
        steered: Steered | None,
    ) -> None:
        """Take the step of some clients, in place."""
        members = at.members
        rates = rates if isinstance(rates, float) else rates[members]
        gradients = self._pulled(gradients, params, at.received, members)
        if steered is not None:
            gradients = steered.bend(gradients, params, at)
        if self.config.clip_norm is not None:
            gradients = _clipped(gradients, self.config.clip_norm)
        for name, gradient in self._decayed(gradients, params, members).items():
            _subtract(params[name], members, memory.turn(name, gradient, members, at.step), rates)
        if steered is not None and steered.pushes:
            steered.push(gradients, params, at)

    def _pulled(self, gradients: Stack, params: Stack, anchors: Stack, members: Members) -> Stack:
        """The gradients with the proximal term."""
        proximal = self.config.proximal
        if not proximal:
            return gradients
        return {n: g + proximal * (params[n][members] - anchors[n][members]) for n, g in gradients.items()}

    def _decayed(self, gradients: Stack, params: Stack, members: Members) -> Stack:
        """The gradients with weight decay, which torch adds last."""
        decay = self.config.weight_decay
        if not decay:
            return gradients
        return {name: g + decay * params[name][members] for name, g in gradients.items()}


def _clipped(gradients: Stack, clip_norm: float) -> Stack:
    """Each client's gradient, scaled down as `torch.nn.utils.clip_grad_norm_` does."""
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients.values()]).norm(dim=0)
    factors = (clip_norm / (norms + CLIPPING_SLACK)).clamp(max=1.0)
    return {name: g * column(factors, g) for name, g in gradients.items()}


def _subtract(stack: Tensor, members: Members, move: Tensor, rates: Rates) -> None:
    """Take the learning rate times `move` off some clients' rows, in place."""
    if isinstance(rates, Tensor):
        move, rates = column(rates, move) * move, 1.0
    if isinstance(members, slice):
        stack[members].sub_(move, alpha=rates)
    else:
        stack.index_add_(0, members, move, alpha=-rates)
