"""How good a global model is on the test set."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fedprop.cores import Crew, cores
from fedprop.data.base import Examples
from fedprop.draws import OwnDraws, seeded
from fedprop.failures import blamed
from fedprop.params import ParameterLayout, copy_module
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training.channels_last import store_channels_last
from fedprop.training.randomness import draws_in_evaluation
from fedprop.types import Vector

BATCH = 256
"""So few that the activations of a convolutional network stay in a CPU's caches."""


class Score(NamedTuple):
    """The share of right answers, in [0, 1], and the mean loss of an example."""

    accuracy: float
    loss: float


class Evaluator:
    """Tests global models, in evaluation mode, on modules of its own.

    On a CPU batches are spread over the `cores`, each computed by one thread; so a score is the same, to the bit,
    however many there are. A model that draws random numbers even here draws the same ones each time.
    """

    def __init__(self, module: nn.Module, test: Examples, task: Task = CLASSIFICATION) -> None:
        self._task = task
        self._module = copy_module(module).to(test.x.device).eval()
        store_channels_last(self._module, test.x)
        self._layout = ParameterLayout.of(self._module)
        self._test = test
        self._modules = [self._module]
        self._crew: Crew[nn.Module] | None = None
        self._draws = draws_in_evaluation(self._module, test.x[:2])

    def __call__(self, parameters: Vector) -> Score:
        return self.score(parameters, self._test)

    def score(self, parameters: Vector, test: Examples) -> Score:
        """How good a model [d] is on other examples of the same shape."""
        return scored(self.outputs(parameters, test), test.y, self._task)

    def outputs(self, parameters: Vector, test: Examples) -> Tensor:
        """What a model answers to examples [n, ...]."""
        return torch.cat(self._each(parameters, torch.split(test.x, BATCH), lambda module, x: module(x)))

    def right(self, parameters: Vector, pool: Examples, rows: Tensor) -> Tensor:
        """Which answers to some examples of a pool are right: Booleans for the rows [n], as the labels are."""

        def recognised(module: nn.Module, some: Tensor) -> Tensor:
            logits: Tensor = module(pool.x[some])
            return self._task.right(logits, pool.y[some])

        return torch.cat(self._each(parameters, torch.split(rows, BATCH), recognised))

    def _each(
        self, parameters: Vector, batches: Sequence[Tensor], work: Callable[[nn.Module, Tensor], Tensor]
    ) -> list[Tensor]:
        """What comes of each batch, with a module that holds the parameters [d]."""

        @torch.no_grad()
        def told(module: nn.Module, batch: Tensor) -> Tensor:
            with blamed(f"`model`: {type(module).__name__} failed as it was evaluated"):
                return work(module, batch)

        if len(batches) > 1 and parameters.device.type == "cpu" and not self._draws:
            return list(self._gathered(parameters).map(told, batches))
        self._layout.load(self._module, parameters)
        if not self._draws:
            return [told(self._module, batch) for batch in batches]
        with seeded(0, parameters.device), OwnDraws(0):
            return [told(self._module, batch) for batch in batches]

    def _gathered(self, parameters: Vector) -> Crew[nn.Module]:
        """One module for each core, all with these parameters [d]."""
        if self._crew is None:
            self._modules += [copy_module(self._module) for _ in range(cores() - 1)]
            self._crew = Crew(self._modules)
        for module in self._modules:
            self._layout.load(module, parameters)
        return self._crew


def scored(outputs: Tensor, labels: Tensor, task: Task = CLASSIFICATION) -> Score:
    """How good a model's outputs [n, ...] are."""
    right = task.right(outputs, labels)
    loss = torch.zeros((), dtype=torch.float64, device=outputs.device)
    for some, wanted in zip(torch.split(outputs, BATCH), torch.split(labels, BATCH), strict=True):
        loss += task.loss(some, wanted, "sum")
    return Score(int(right.sum()) / right.numel(), float(loss) / len(labels))
