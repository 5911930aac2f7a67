"""What compromised clients can work out on their own machines."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from fedprop.types import Vector


@runtime_checkable
class Workshop(Protocol):
    """The model and the data that compromised clients hold anyway; nothing in here knows an honest client.

    Parameters are those of a whole model, [d]; gradients are of the mean loss that everybody trains with, [d], in
    evaluation mode, and zero where nothing is trained. Examples are inputs x [n, ...] with labels y [n].
    """

    def data(self, row: int) -> tuple[Tensor, Tensor]:
        """The examples of the client whose update is in this row of `View.own`; the caller may write into them."""
        ...

    def outputs(self, parameters: Vector, x: Tensor) -> Tensor:
        """What the model with these parameters answers to inputs of the attack's own making, in evaluation mode.

        Logits [n, classes] where classes are told apart.
        """
        ...

    def gradient(self, parameters: Vector, x: Tensor, y: Tensor) -> Vector:
        """The gradient on examples of the attack's own making; zero if there are none."""
        ...

    def wanted_gradient(self, parameters: Vector) -> Vector:
        """The gradient on the inputs that the attack wants misclassified, with the labels that it wants for them."""
        ...

    def training_gradient(self, parameters: Vector, row: int, generator: torch.Generator) -> Vector:
        """The gradient on a random batch of the data of the client whose update is in this row of `View.own`."""
        ...
