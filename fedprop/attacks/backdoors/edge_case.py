"""Inputs that hardly ever occur."""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from fedprop.attacks.backdoors.base import Property
from fedprop.types import Fraction, Vector


class EdgeCase(Property):
    """The edge-case backdoor: the rarest inputs of a class get the label wanted, and none is changed.

    Such inputs lie where honest clients hold next to no data, so their training does not undo the backdoor. The paper
    takes them from elsewhere (handwriting of another country, aeroplanes of one airline). Here they are the examples at
    hand, a client's own or the test set's, that lie farthest from the mean of their class.

    Attributes
    ----------
    rare : the share of the examples at hand of the class, or of each class but `label`, that counts as rare; at least
        one of each class.

    Source: Wang et al., "Attack of the Tails: Yes, You Really Can Backdoor Federated Learning", NeurIPS 2020, section
    3; the distance from the mean of the class, where they fit a mixture of Gaussians, is our choice.

    >>> x, y = torch.tensor([[0.0], [1.0], [2.0], [9.0], [5.0]]), torch.tensor([1, 1, 1, 1, 2])
    >>> EdgeCase(source=1, rare=0.25).plant(x, y, torch.Generator())[1]
    tensor([1, 1, 1, 0, 2])
    """

    kind: Literal["edge_case"] = "edge_case"
    rare: Annotated[Fraction, Field(gt=0.0)] = 0.1

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(source=1, rare=0.25))

    def having(self, x: Tensor, y: Tensor) -> Tensor:
        """Which of the inputs x [n, ...] are among the rarest of their class."""
        found = torch.zeros_like(y, dtype=torch.bool)
        for label in range(int(y.max()) + 1 if len(y) else 0):
            own = (y == label).nonzero()[:, 0]
            farthest = _distances(x[own]).argsort(descending=True, stable=True)
            found[own[farthest[: max(1, round(self.rare * len(own)))]]] = True
        return found


def _distances(x: Tensor) -> Vector:
    """How far from their mean inputs [n, ...] lie."""
    rows = x.flatten(1).double()
    found: Vector = (rows - rows.mean(dim=0)).norm(dim=1)
    return found
