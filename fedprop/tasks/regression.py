"""Telling numbers."""

from collections.abc import Collection
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from fedprop.metrics import Exam, Metric, Number, Reading
from fedprop.metrics.base import Recorded
from fedprop.tasks.base import Task
from fedprop.types import ClientId, Positive

STRATA = 10
"""Partitions deal by tenths of the examples, ordered by their first number."""


class MeanSquaredError(Number):
    """The mean over test examples and their numbers of the squared error; the loss itself."""

    label: ClassVar[str] = "mean squared error"
    standing: ClassVar[bool] = True

    kind: Literal["mean_squared_error"] = "mean_squared_error"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        return None if record.loss is None else Reading(record.loss)


class MeanAbsoluteError(Metric):
    """The mean over test examples and their numbers of the absolute error."""

    label: ClassVar[str] = "mean absolute error"
    standing: ClassVar[bool] = True

    kind: Literal["mean_absolute_error"] = "mean_absolute_error"

    def measure(self, exam: Exam) -> Reading:
        return Reading(float((exam.outputs.double() - exam.labels).abs().mean()))


class Regression(Task):
    """Which numbers belong to an input: outputs and labels [n, k], and the mean of the squared errors.

    What counts as a right answer, for accuracies and for defenses that test models, is a number that is near enough.

    Attributes
    ----------
    tolerance : how near that is, in the unit of the labels.

    >>> task, outputs, y = Regression(), torch.tensor([[1.0], [4.0]]), torch.tensor([[1.5], [1.0]])
    >>> float(task.loss(outputs, y)), task.right(outputs, y).tolist()
    (4.625, [[True], [False]])
    """

    vectors: ClassVar[bool] = True
    outputs_are: ClassVar[str] = "numbers"
    numbers: ClassVar[tuple[Number, ...]] = (MeanSquaredError(), MeanAbsoluteError())

    kind: Literal["regression"] = "regression"
    tolerance: Positive = 0.5

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(tolerance=1.0))

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs - y).square().mean(dim=-1)

    def right(self, outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs - y).abs() <= self.tolerance

    def strata(self, y: Tensor, answers: int) -> tuple[Tensor, int]:
        ranks = y[:, 0].argsort(stable=True).argsort()
        return torch.div(ranks * STRATA, len(y), rounding_mode="floor"), STRATA
