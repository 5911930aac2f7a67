"""What a server that holds examples of its own can find out about updates."""

from typing import Protocol, runtime_checkable

from fedprop.types import Vector


@runtime_checkable
class ServerSide(Protocol):
    """Handed to a rule with the cohort; everything refers to the present global model and the server's own examples."""

    def accuracy(self, update: Vector) -> float:
        """The accuracy in [0, 1] of the global model moved by `update` [d]."""
        ...

    def loss(self, update: Vector) -> float:
        """The mean cross-entropy of the global model moved by `update` [d]."""
        ...

    def train(self) -> Vector:
        """The update [d] that one task of local training on the server's own examples yields."""
        ...
