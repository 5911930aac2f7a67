"""The compromised clients' own machines at work."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fedprop.data.base import Examples
from fedprop.draws import OwnDraws, seeded
from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout, copy_module
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training.task import Shards
from fedprop.types import ClientId, Vector


class Gradients:
    """A model's outputs, and gradients of its mean loss, in evaluation mode: no dropout, and frozen statistics."""

    def __init__(self, module: nn.Module, task: Task = CLASSIFICATION, *, classes: int | None = None) -> None:
        """Where `classes` says so, outputs are those of so many classes, the first ones; gradients are of all."""
        self._task = task
        self._classes = classes
        self._module = copy_module(module).eval()
        self._layout = ParameterLayout.of(self._module)

    def __call__(self, parameters: Vector, examples: Examples) -> Vector:
        """The gradient at these parameters [d]; zero for buffers, and for parameters that are not trained."""
        self._layout.load(self._module, parameters)
        self._module.zero_grad(set_to_none=True)
        with seeded(0, parameters.device), OwnDraws(0):
            torch.autograd.backward(self._task.loss(self._module(examples.x), examples.y))
        gradient, slices = torch.zeros_like(parameters), self._layout.slices
        for name, parameter in self._module.named_parameters():
            if parameter.grad is not None:
                gradient[slices[name]] = parameter.grad.reshape(-1)
        return gradient

    def outputs(self, parameters: Vector, x: Tensor) -> Tensor:
        """What the model with these parameters [d] answers to inputs x [n, ...]."""
        self._layout.load(self._module, parameters)
        with seeded(0, parameters.device), OwnDraws(0), torch.no_grad():
            found: Tensor = self._module(x)
        return found if self._classes is None else found[..., : self._classes]


@dataclass(frozen=True, eq=False)
class ClientsWorkshop:
    """What some compromised clients can work out; see `fedprop.attacks.workshop.Workshop`.

    Attributes
    ----------
    clients : whose updates the rows of the view are.
    wanted : the attacked inputs with the labels wanted for them; None for an attack that aims at none.
    batch_size : examples in a batch of a client's own data.
    """

    gradients: Gradients
    shards: Shards
    clients: tuple[ClientId, ...]
    wanted: Examples | None
    batch_size: int

    def data(self, row: int) -> tuple[Tensor, Tensor]:
        """A copy of one client's own examples, without those that the server handed out."""
        part, pool = self.shards.own(self.clients[row]), self.shards.pool
        return pool.x[part], pool.y[part]

    def outputs(self, parameters: Vector, x: Tensor) -> Tensor:
        """What the model answers to any inputs."""
        return self.gradients.outputs(parameters, x)

    def gradient(self, parameters: Vector, x: Tensor, y: Tensor) -> Vector:
        """The gradient on any examples; zero if there are none."""
        return self.gradients(parameters, Examples(x, y)) if len(x) else torch.zeros_like(parameters)

    def wanted_gradient(self, parameters: Vector) -> Vector:
        """The gradient on the attacked inputs.

        Raises
        ------
        InvalidConfig
            If the attack aims at none.
        """
        if self.wanted is None:
            raise InvalidConfig("`aims` must name inputs for an attack that asks for their gradient; found none")
        return self.gradients(parameters, self.wanted)

    def training_gradient(self, parameters: Vector, row: int, generator: torch.Generator) -> Vector:
        """The gradient on a batch of one client's data; zero if it has none."""
        part, pool = self.shards.parts[self.clients[row]], self.shards.pool
        drawn = part[torch.randperm(len(part), generator=generator)[: self.batch_size].to(part.device)]
        return self.gradient(parameters, pool.x[drawn], pool.y[drawn])
