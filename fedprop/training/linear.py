"""Gradients of one linear layer in closed form, for many clients at once."""

from typing import Self

import torch
from torch import Tensor, nn

from fedprop.data.base import Examples
from fedprop.tasks import Task
from fedprop.training.schedule import Pass
from fedprop.training.steering import Stack


class LinearGradients:
    """Gradients of clients whose model is one linear layer of flattened inputs: G^T X and the sum of G's rows.

    G holds the derivatives of a batch's mean loss by its outputs. They are those of the task, whatever it is; what
    they make of the layer needs no graph, no call by `vmap`, and one buffer of inputs for all steps.
    """

    def __init__(self, layer: nn.Linear, prefix: str, pool: Examples, task: Task) -> None:
        """`prefix` is what the names of the layer's parameters start with."""
        self._weight = prefix + "weight"
        self._bias = None if layer.bias is None else prefix + "bias"
        self._learns = {prefix + name for name, value in layer.named_parameters() if value.requires_grad}
        self._inputs, self._labels = pool.x.flatten(1), pool.y
        self._task = task
        self._buffer = pool.x.new_empty(0)

    @classmethod
    def of(cls, module: nn.Module, pool: Examples, task: Task) -> Self | None:
        """Those of a model; None if it is more than `nn.Linear`, after an `nn.Flatten` or none."""
        if not pool.x.is_floating_point() or any(map(_is_hooked, module.modules())):
            return None
        parts = list(module.named_children()) if type(module) is nn.Sequential else [("", module)]
        if len(parts) == 2 and _flattens_examples(parts[0][1]):
            parts = parts[1:]
        elif pool.x.ndim != 2:
            return None
        if len(parts) != 1:
            return None
        name, layer = parts[0]
        # Not a class derived from it, which may compute something else.
        if not isinstance(layer, nn.Linear) or type(layer) is not nn.Linear:
            return None
        return cls(layer, f"{name}." if name else "", pool, task)

    def __call__(self, params: Stack, _buffers: Stack, part: Pass) -> tuple[Stack, Tensor]:
        """The gradients by name and the losses [k] of some clients."""
        x, weight = self._chosen(part.rows), params[self._weight][part.members]
        logits = torch.bmm(weight, x.mT)
        if self._bias is not None:
            logits += params[self._bias][part.members, :, None]
        outputs = logits.mT.requires_grad_()
        each = self._task.each(outputs, self._labels[part.rows])
        losses = each.mean(1) if part.real is None else (each * part.real).sum(1) / part.real.sum(1)
        (slopes,) = torch.autograd.grad(losses.sum(), outputs)
        gradients: Stack = {}
        if self._weight in self._learns:
            gradients[self._weight] = torch.bmm(slopes.mT, x)
        if self._bias is not None and self._bias in self._learns:
            gradients[self._bias] = slopes.sum(1)
        return gradients, losses.detach()

    def _chosen(self, rows: Tensor) -> Tensor:
        """The inputs [k, b, features] of a step, in memory that the next one writes to again."""
        wanted = rows.numel() * self._inputs.shape[1]
        if self._buffer.numel() < wanted:
            self._buffer = self._inputs.new_empty(wanted)
        room = self._buffer[:wanted].view(rows.numel(), self._inputs.shape[1])
        torch.index_select(self._inputs, 0, rows.flatten(), out=room)
        return room.view(*rows.shape, -1)


def _flattens_examples(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Flatten) and layer.start_dim == 1 and layer.end_dim == -1


def _is_hooked(part: nn.Module) -> bool:
    return bool(part._forward_hooks or part._forward_pre_hooks or part._backward_hooks)
