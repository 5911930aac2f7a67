"""Multi-class logistic regression."""

import math
from typing import Literal

from torch import nn

from fedprop.models.base import ModelSpec


class LogisticRegression(ModelSpec):
    """One linear layer on the flattened input.

    It starts at zero, whatever the seed: the loss is convex, so the start favours no optimum, and at zero all classes
    are equally likely.

    Source: the LR classifier of Fang et al. 2020, section 4.1.
    """

    kind: Literal["logistic_regression"] = "logistic_regression"

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        linear = nn.Linear(math.prod(shape), classes)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        return nn.Sequential(nn.Flatten(), linear)
