"""Inputs that share a property by nature."""

from typing import Literal, Self

from torch import Tensor

from fedprop.attacks.backdoors.base import Property


class Semantic(Property):
    """The semantic backdoor: inputs that have a property anyway get the label wanted, and none is changed.

    The paper picks pictures by what they show, green cars for one, by hand. Here the property is one that any data
    have: the mean of an input's entries, for a picture its brightness.

    Attributes
    ----------
    least : how large the mean of an input's entries must be.

    Source: Bagdasaryan, Veit, Hua, Estrin and Shmatikov, "How To Backdoor Federated Learning", AISTATS 2020, section
    4.1; brightness is our choice.

    >>> import torch
    >>> x, y = torch.tensor([[0.1, 0.3], [0.9, 0.5], [0.6, 0.8]]), torch.tensor([1, 1, 2])
    >>> Semantic(source=1, least=0.5).plant(x, y, torch.Generator())[1]
    tensor([1, 0, 2])
    """

    kind: Literal["semantic"] = "semantic"
    least: float = 0.5

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(source=1, least=0.3))

    def having(self, x: Tensor, y: Tensor) -> Tensor:
        """Which of the inputs x [n, ...] are that bright."""
        return x.flatten(1).double().mean(dim=1) >= self.least
