"""How good a global model is on the test set."""

import copy
from collections.abc import Iterator
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
        right = torch.zeros((), dtype=torch.int64, device=parameters.device)
        loss = torch.zeros((), dtype=torch.float64, device=parameters.device)
        for logits, y in self._answers(parameters, test):
            right += (logits.argmax(dim=1) == y).sum()
            loss += cross_entropy(logits, y, reduction="sum")
        return Score(int(right) / len(test), float(loss) / len(test))

    def confidence(self, parameters: Vector) -> float:
        """The mean probability in [0, 1] that a model gives to the labels of the examples."""
        logits = torch.cat([logits for logits, _ in self._answers(parameters, self._test)])
        return misclassification_confidence(logits, self._test.y)

    @torch.no_grad()
    def _answers(self, parameters: Vector, test: Examples) -> Iterator[tuple[Tensor, Tensor]]:
        """What a model answers to examples, and their labels, batch by batch."""
        self._layout.load(self._module, parameters)
        for x, y in zip(torch.split(test.x, BATCH), torch.split(test.y, BATCH), strict=True):
            yield self._module(x), y
