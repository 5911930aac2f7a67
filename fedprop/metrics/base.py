"""What a metric is: a number by name, how it is computed from what a model answered, and how it is shown."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import index
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedprop.types import ClientId, Kind


@dataclass(frozen=True, eq=False)
class Exam:
    """What a model answered.

    Attributes
    ----------
    outputs : its outputs on the test set [n, classes], before softmax.
    labels : the right answers [n].
    classes : how many there are.
    by_client : works out its accuracy in [0, 1] on the training data of each honest client that holds any.
    """

    outputs: Tensor
    labels: Tensor
    classes: int
    by_client: Callable[[], Mapping[ClientId, float]]

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


@dataclass(frozen=True)
class Reading:
    """A number that a metric found, or why there is none.

    Attributes
    ----------
    value : the number; None where it is not defined.
    parts : the numbers it is made of, by class or by client, each possibly undefined.
    why : why there is no value; empty if there is one.

    >>> Reading(0.5), Reading(why="class 3 has no example in the test set").value
    (Reading(value=0.5, parts={}, why=''), None)
    """

    value: float | None = None
    parts: dict[int, float | None] = field(default_factory=dict)
    why: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _number(self.value))
        object.__setattr__(self, "parts", {index(key): _number(part) for key, part in self.parts.items()})
        if (self.value is None) != bool(self.why):
            raise ValueError(f"a reading must have a value or say why not; found {self.value!r} and {self.why!r}")


def _number(found: float | None) -> float | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, float | int) or not math.isfinite(found):
        raise ValueError(f"a reading must hold finite numbers, or None and why; found {found!r}")
    return float(found)


class Metric(Kind, ABC):
    """A number that tells how good a model is.

    One of your own names itself and computes:

        class TopTwo(Metric):
            label: ClassVar[str] = "top-2 accuracy"

            kind: Literal["top_two"] = "top_two"

            def measure(self, exam):
                best = exam.outputs.topk(2).indices
                return Reading(float((best == exam.labels[:, None]).any(dim=1).float().mean()))

    Attributes
    ----------
    label : how a table names it; empty for its kind.
    parts_of : what the parts are of, in one word; empty where there are none.
    """

    label: ClassVar[str] = ""
    parts_of: ClassVar[str] = ""

    @abstractmethod
    def measure(self, exam: Exam) -> Reading:
        """The number, from what a model answered."""

    def show(self, reading: Reading) -> str:
        """The number as a person reads it."""
        if reading.value is None:
            return f"– ({reading.why})"
        known = {key: part for key, part in reading.parts.items() if part is not None}
        if not known:
            return f"{reading.value:.4f}"
        worst = min(known, key=lambda key: known[key])
        return f"{reading.value:.4f}, lowest {known[worst]:.4f} ({self.parts_of} {worst})"


def mean_of(parts: dict[int, float | None], absent: Mapping[int, str]) -> Reading:
    """The mean of the parts, if each has a number; `absent` says why the others have none."""
    numbers = [part for part in parts.values() if part is not None]
    if len(numbers) == len(parts) and numbers:
        return Reading(float(np.mean(numbers)), parts)
    return Reading(None, parts, next(iter(absent.values()), "there is nothing to take a mean of"))


def by_class(exam: Exam, numbers: Any) -> Reading:
    """One number for each class, and their mean; none for a class that the test set does not hold."""
    held = exam.held
    parts = {k: float(number) if held[k] else None for k, number in enumerate(numbers)}
    absent = {k: f"class {k} has no example in the test set" for k, part in parts.items() if part is None}
    return mean_of(parts, absent)
