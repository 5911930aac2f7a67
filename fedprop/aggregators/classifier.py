"""The global model as a classifier, for rules that look at its output layer and at what it answers."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fedprop.types import Updates, Vector

MOST_CLASSES = 10
"""Maximum classes of a made-up model: so many outputs show a rule at work, however many parameters there are."""

LARGEST = 1e300
"""Logits beyond this are this, so that differences of two are numbers."""


class Head(NamedTuple):
    """Where the output layer lies in a row.

    Attributes
    ----------
    weights : [classes, h], the entries that hold the weights of each class's output neuron.
    biases : [classes], the entry that holds its bias.
    """

    weights: Int[Tensor, "classes h"]
    biases: Int[Tensor, " classes"]


@runtime_checkable
class Classifier(Protocol):
    """Handed to a rule with the cohort; everything refers to the present global model."""

    @property
    def head(self) -> Head:
        """Where its output layer lies in a row."""
        ...

    def probabilities(self, candidates: Updates, inputs: int, seed: int) -> Float[Tensor, "k inputs classes"]:
        """What the global model moved by each of the candidates [k, d] answers to random inputs, in float64.

        Inputs are noise, uniform between 0 and 1, and the same for the same seed. Answers need not be finite. A model
        that looks at no input may answer to a single one.
        """
        ...


@dataclass(frozen=True, eq=False)
class Logits:
    """A classifier whose first parameters are its logits, whatever the input; so a definition can work it out as well.

    It stands in for a model where none is: as rules are verified, and as attackers imagine one. Each of the first
    parameters, up to ten, is the bias of a class; there are no other weights in the output layer.

    Attributes
    ----------
    model : the parameters [d].
    """

    model: Vector

    @property
    def head(self) -> Head:
        """One bias for each class."""
        classes = torch.arange(self._classes, device=self.model.device)
        return Head(classes[:, None][:, :0], classes)

    def probabilities(self, candidates: Updates, inputs: int, seed: int) -> Float[Tensor, "k 1 classes"]:
        """The softmax of the logits, the same for all inputs."""
        moved = self.model[: self._classes].double() + candidates[:, : self._classes].double()
        return moved.clamp(-LARGEST, LARGEST).softmax(dim=1)[:, None]

    @property
    def _classes(self) -> int:
        return min(len(self.model), MOST_CLASSES)
