"""How good a global model is on the test set."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from fedprop.attacks.confidence import misclassification_confidence
from fedprop.data.base import Examples
from fedprop.params import ParameterLayout
from fedprop.training.channels_last import store_channels_last
from fedprop.types import Vector

BATCH = 256
"""So few that the activations of a convolutional network stay in a CPU's caches."""


class Score(NamedTuple):
    """Test accuracy in [0, 1] and mean cross-entropy."""

    accuracy: float
    loss: float


class Evaluator:
    """Tests global models, in evaluation mode, on one module of its own."""

    def __init__(self, module: nn.Module, test: Examples) -> None:
        self._module = copy.deepcopy(module).to(test.x.device).eval()
        store_channels_last(self._module, test.x)
        self._layout = ParameterLayout.of(self._module)
        self._test = test

    def __call__(self, parameters: Vector) -> Score:
        return self.score(parameters, self._test)

    def score(self, parameters: Vector, test: Examples) -> Score:
        """How good a model [d] is on other examples of the same shape."""
        return scored(self.outputs(parameters, test), test.y)

    def confidence(self, parameters: Vector) -> float:
        """The mean probability in [0, 1] that a model gives to the labels of the examples."""
        return misclassification_confidence(self.outputs(parameters, self._test), self._test.y)

    @torch.no_grad()
    def outputs(self, parameters: Vector, test: Examples) -> Tensor:
        """What a model answers to examples [n, classes]."""
        self._layout.load(self._module, parameters)
        return torch.cat([self._module(x) for x in torch.split(test.x, BATCH)])

    @torch.no_grad()
    def right(self, parameters: Vector, pool: Examples, rows: Tensor) -> Tensor:
        """Whether a model recognises some examples of a pool: Booleans [n] for the rows [n]."""
        self._layout.load(self._module, parameters)
        return torch.cat(
            [self._module(pool.x[some]).argmax(dim=1) == pool.y[some] for some in torch.split(rows, BATCH)]
        )


def scored(outputs: Tensor, labels: Tensor) -> Score:
    """How good a model's outputs [n, classes] are."""
    right = (outputs.argmax(dim=1) == labels).sum()
    loss = torch.zeros((), dtype=torch.float64, device=outputs.device)
    for some, wanted in zip(torch.split(outputs, BATCH), torch.split(labels, BATCH), strict=True):
        loss += cross_entropy(some, wanted, reduction="sum")
    return Score(int(right) / len(labels), float(loss) / len(labels))
