"""What compromised clients can work out on their own machines."""

from typing import Protocol, runtime_checkable

import torch

from fedprop.types import Vector


@runtime_checkable
class Workshop(Protocol):
    """The model and the data that compromised clients hold anyway; nothing in here knows an honest client.

    Parameters are those of a whole model, [d]; gradients are of mean cross-entropies, [d], and zero where nothing is
    trained.
    """

    def wanted_gradient(self, parameters: Vector) -> Vector:
        """The gradient on the inputs that the attack wants misclassified, with the labels that it wants for them."""
        ...

    def training_gradient(self, parameters: Vector, row: int, generator: torch.Generator) -> Vector:
        """The gradient on a random batch of the data of the client whose update is in this row of `View.own`."""
        ...
