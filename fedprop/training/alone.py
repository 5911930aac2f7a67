"""A defense's steering of the one client that trains in a module."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from fedprop.training.steered import Moment, Steered
from fedprop.training.steering import Lesson, Stack


class Alone:
    """Steers the one client that trains in a module, whose parameters hold the gradients."""

    def __init__(self, work: Steered, module: nn.Module, asked: nn.Module, received: Mapping[str, Tensor]) -> None:
        """`asked` is a copy that answers questions about examples; `received` is the global model by name."""
        self._work = work
        self._module = module
        self._asked = asked
        self._received = {name: value[None] for name, value in received.items()}

    def bend(self, step: int, x: Tensor, y: Tensor) -> None:
        """Put other gradients in the place of those that are there, of a batch x [b, ...], y [b]."""
        params, gradients = self._stacks()
        self._at = Moment(slice(None), step, self._received, partial(self._lesson, x, y))
        bent = self._work.bend(gradients, params, self._at)
        for name, gradient in gradients.items():
            gradient.copy_(bent[name])

    def push(self) -> None:
        """Move the parameters after the optimizer's step, which followed what was bent last."""
        if self._work.pushes:
            params, gradients = self._stacks()
            self._work.push(gradients, params, self._at)

    def _lesson(self, x: Tensor, y: Tensor) -> Lesson:
        state = {name: value.detach()[None] for name, value in self._module.named_parameters()}
        state |= {name: value[None].clone() for name, value in self._module.named_buffers()}
        return Lesson(self._asked, state, x[None], y[None], torch.ones(1, len(y), dtype=torch.bool, device=y.device))

    def _stacks(self) -> tuple[Stack, Stack]:
        """The parameters and their gradients as stacks of one, in the module's own memory."""
        trained = {name: p for name, p in self._module.named_parameters() if p.grad is not None}
        params = {name: parameter.detach()[None] for name, parameter in trained.items()}
        return params, {name: p.grad.detach()[None] for name, p in trained.items() if p.grad is not None}
