"""What a global model answered in an evaluation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedprop.metrics.reading import Reading, mean_of
from fedprop.types import ClientId


class Aimed(NamedTuple):
    """What the model answered to the inputs that one attack aims at.

    Attributes
    ----------
    outputs : the model's, [n, classes], before softmax.
    wanted : the labels [n] that the attack wants.
    """

    outputs: Tensor
    wanted: Tensor


def _nothing_aimed() -> Mapping[int, Aimed]:
    return {}


@dataclass(frozen=True, eq=False)
class Exam:
    """What a model answered.

    Attributes
    ----------
    outputs : its outputs on the test set [n, classes], before softmax.
    labels : the right answers [n].
    classes : how many there are.
    by_client : works out its accuracy in [0, 1] on the training data of each honest client that holds any.
    aim : works out its answers to the inputs that attacks aim at, by the attack's place among those of the run.
    """

    outputs: Tensor
    labels: Tensor
    classes: int
    by_client: Callable[[], Mapping[ClientId, float]]
    aim: Callable[[], Mapping[int, Aimed]] = _nothing_aimed

    @cached_property
    def aims(self) -> Mapping[int, Aimed]:
        """What `aim` finds, worked out once."""
        return self.aim()

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """The labels [n] for libraries that know no torch."""
        return np.asarray(self.labels.cpu().numpy(), dtype=np.int64)

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """The class of the largest output [n]."""
        return np.asarray(self.outputs.argmax(dim=1).cpu().numpy(), dtype=np.int64)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The softmax of the outputs [n, classes]."""
        return np.asarray(torch.softmax(self.outputs.double(), dim=1).cpu().numpy(), dtype=np.float64)

    @property
    def held(self) -> list[bool]:
        """For each class whether the test set has an example of it."""
        return [bool(count) for count in np.bincount(self.truth, minlength=self.classes)]


def by_class(exam: Exam, numbers: Any) -> Reading:
    """One number for each class, and their mean; none for a class that the test set does not hold."""
    held = exam.held
    parts = {k: float(number) if held[k] else None for k, number in enumerate(numbers)}
    absent = {k: f"class {k} has no example in the test set" for k, part in parts.items() if part is None}
    return mean_of(parts, absent)
