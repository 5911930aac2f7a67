"""What SIREN+'s server may ask about the updates of a round."""

from collections.abc import Callable
from typing import Protocol

from fedprop.types import Updates, Weights


class Evidence(Protocol):
    """Answers about the rows of one round; `decide` asks only for what its case needs."""

    def accuracy(self, row: int) -> float:
        """The share in [0, 1] of the root test set that the client's model g_t + update gets right."""
        ...

    def agrees(self, row: int, other: int) -> bool:
        """Whether the angle between two updates is at most pi/2; symmetric, and true of a row and itself."""
        ...


class RootTest:
    """Evidence from the updates themselves and a root test set.

    Angles are between the updates as sent, relative to g_t. One exceeds pi/2 if and only if the inner product is
    negative. A zero update is at no angle to any other; as Section 4.6 rejects only what is above pi/2, it agrees with
    all of them.

    Parameters
    ----------
    updates : rows [n, d], relative to the global model g_t that was sent out.
    evaluate : the accuracies [k] on the root test set of g_t plus each of some updates [k, d].

    Source: Guo et al. 2024, Sections 4.4 to 4.6; the accuracy is that of "the models from the clients" (Section 4.5).
    """

    def __init__(self, updates: Updates, evaluate: Callable[[Updates], Weights]) -> None:
        self.updates = updates
        self.evaluate = evaluate

    def accuracy(self, row: int) -> float:
        """The accuracy of g_t plus the update in this row."""
        return float(self.evaluate(self.updates[row : row + 1])[0])

    def agrees(self, row: int, other: int) -> bool:
        """Whether the inner product of two updates, summed in float64, is not negative."""
        return float(self.updates[row].double() @ self.updates[other].double()) >= 0.0
