"""The global model as a classifier, for a rule that looks at its output layer and at what it answers to noise."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fedprop.aggregators.classifier import Head
from fedprop.data.base import Examples
from fedprop.errors import InvalidConfig
from fedprop.params import Entry, ParameterLayout
from fedprop.simulation.evaluation import Evaluator
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.types import Updates, Vector


def head_of(layout: ParameterLayout, classes: int) -> Head:
    """Where the output layer lies in the vector: the last weights and biases that have a row, or an entry, a class.

    Raises
    ------
    InvalidConfig
        If there are none, or the biases do not come after the weights.
    """
    entries = [entry for entry in layout.entries if not entry.buffer and entry.shape[:1] == (classes,)]
    weights = next((entry for entry in reversed(entries) if len(entry.shape) > 1), None)
    biases = next((entry for entry in reversed(entries) if len(entry.shape) == 1), None)
    if weights is None or biases is None or biases.start < weights.start:
        raise InvalidConfig(
            f"`model` must end in a layer with weights and a bias for each of {classes} classes, for a defense that "
            f"looks at it; found {', '.join(f'{entry.name} {list(entry.shape)}' for entry in layout.entries[-2:])}"
        )
    return Head(_places(weights).view(classes, -1), _places(biases))


def _places(entry: Entry) -> Tensor:
    return torch.arange(entry.start, entry.stop)


class Classifying:
    """Answers to noise, in evaluation mode, of models as the run has them.

    Raises
    ------
    InvalidConfig
        If the model has no output layer as `head_of` finds it, or its inputs are no fractions.
    """

    def __init__(self, module: nn.Module, like: Examples, classes: int, task: Task = CLASSIFICATION) -> None:
        if not (task.has_classes and like.x.is_floating_point()):
            found = f"`task` {task.kind} on inputs of {like.x.dtype}"
            raise InvalidConfig(
                f"`data` must have fractions as inputs, and classes, for a defense that asks; found {found}"
            )
        self.head = head_of(ParameterLayout.of(module), classes)
        self._like = like
        self._test = Evaluator(module, like, task)

    def at(self, parameters: Vector) -> "ClassifierView":
        """The classifier with these global parameters [d]."""
        return ClassifierView(self, parameters)

    def noise(self, inputs: int, seed: int) -> Examples:
        """Random inputs, the same for the same seed; their labels mean nothing."""
        shape = (inputs, *self._like.x.shape[1:])
        noise = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(self._like.x)
        return Examples(noise, torch.zeros(inputs, dtype=torch.long, device=noise.device))

    def answers(self, parameters: Vector, inputs: Examples) -> Tensor:
        """The probabilities [inputs, classes], in float64, that a model [d] answers."""
        return self._test.outputs(parameters, inputs).double().softmax(dim=-1)


@dataclass(frozen=True, eq=False)
class ClassifierView:
    """The model of a run with one set of global parameters; see `fedprop.aggregators.Classifier`."""

    classifying: Classifying
    parameters: Vector

    @property
    def head(self) -> Head:
        """Where the output layer lies in a row."""
        return self.classifying.head

    def probabilities(self, candidates: Updates, inputs: int, seed: int) -> Tensor:
        """What the model moved by each of the candidates answers to noise [k, inputs, classes]."""
        noise = self.classifying.noise(inputs, seed)
        return torch.stack([self.classifying.answers(self.parameters + update, noise) for update in candidates])
