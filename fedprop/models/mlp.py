"""A multilayer perceptron."""

import math
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt
from torch import nn

from fedprop.models.base import ModelSpec


class MLP(ModelSpec):
    """Fully connected layers with ReLU on the flattened input.

    Attributes
    ----------
    hidden : the width of each hidden layer.
    """

    kind: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (64,)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(hidden=(16, 8)))

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        layers: list[nn.Module] = [nn.Flatten()]
        for width, following in pairwise((math.prod(shape), *self.hidden)):
            layers += [nn.Linear(width, following), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(self.hidden[-1], classes))
