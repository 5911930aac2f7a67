"""Local training done over again, on examples that an attacker makes up, so that they can be moved to fit an update."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fedprop.params import ParameterLayout
from fedprop.types import Vector

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def batches(examples: int, batch_size: int, steps: int) -> list[slice]:
    """The batches of so many steps, in one order for every pass; the examples in none of them cannot be seen.

    An attacker does not know the order. In one pass it does not matter, for candidates have no place of their own.

    >>> batches(3, 2, 3)
    [slice(0, 2, None), slice(2, 3, None), slice(0, 2, None)]
    """
    starts = range(0, examples, batch_size)
    one_pass = [slice(start, min(start + batch_size, examples)) for start in starts]
    return [one_pass[step % len(one_pass)] for step in range(steps)]


class Imitation:
    """What plain gradient descent on some examples would send, as a function that can be differentiated.

    It is the sum of the steps' gradients, (origin - local) / lr: for one step, the gradient.

    Parameters
    ----------
    module : the model that the client trains; it is not changed.
    origin : the global model [d] that the client was sent.
    loss : of outputs and labels.
    steps : the batches, as slices of the candidates.
    lr : the learning rate.

    Source: Geiping et al., "Inverting Gradients", 2020, section 6 (several steps; one is theirs and everybody's).
    """

    def __init__(self, module: nn.Module, origin: Vector, *, loss: Loss, steps: Sequence[slice], lr: float) -> None:
        layout = ParameterLayout.of(module)
        params, self._buffers = layout.views(origin.detach())
        self._trained = [entry.name for entry in layout.entries if entry.trainable]
        self._start = {name: value.clone().requires_grad_(name in self._trained) for name, value in params.items()}
        self._mask = layout.trainable.to(origin.device)
        self._module, self._loss, self._steps, self._lr = module, loss, tuple(steps), lr

    @property
    def seen(self) -> int:
        """How many candidates take part in some step."""
        return max(int(step.stop) for step in self._steps)

    def told(self, update: Vector) -> Vector:
        """What an update [d] tells of the trained parameters, in the form in which candidates answer."""
        return -update[self._mask] / self._lr

    def __call__(self, x: Tensor, y: Tensor) -> Vector:
        """What candidates x [n, ...] with labels y, classes [n] or probabilities [n, classes], would tell."""
        params = dict(self._start)
        total: list[Tensor] = []
        for number, step in enumerate(self._steps):
            found = self._gradient(params, x[step], y[step])
            total = found if number == 0 else [a + b for a, b in zip(total, found, strict=True)]
            if number + 1 < len(self._steps):
                moved = zip(self._trained, found, strict=True)
                params |= {name: params[name] - self._lr * gradient for name, gradient in moved}
        return torch.cat([part.flatten() for part in total])

    def _gradient(self, params: dict[str, Tensor], x: Tensor, y: Tensor) -> list[Tensor]:
        outputs = functional_call(self._module, {**params, **self._buffers}, (x,))
        trained = [params[name] for name in self._trained]
        return list(torch.autograd.grad(self._loss(outputs, y), trained, create_graph=True, materialize_grads=True))
