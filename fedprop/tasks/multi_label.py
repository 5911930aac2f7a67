"""Telling which of several things hold at once."""

from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from fedprop.metrics import Exam, Metric, Number, Reading
from fedprop.tasks.base import Task


class MicroF1(Metric):
    """2 TP / (2 TP + FP + FN) over all labels of all test examples (Tsoumakas and Katakis 2007); 0 where all are 0."""

    label: ClassVar[str] = "micro F1"
    standing: ClassVar[bool] = True

    kind: Literal["micro_f1"] = "micro_f1"

    def measure(self, exam: Exam) -> Reading:
        told, true = exam.outputs > 0, exam.labels > 0
        both = 2 * int((told & true).sum())
        return Reading(both / max(1, both + int((told != true).sum())))


class ExactMatch(Metric):
    """The share of test examples of which all labels are told rightly."""

    label: ClassVar[str] = "exact match"
    standing: ClassVar[bool] = True

    kind: Literal["exact_match"] = "exact_match"

    def measure(self, exam: Exam) -> Reading:
        right = (exam.outputs > 0) == (exam.labels > 0)
        return Reading(float(right.all(dim=1).double().mean()))


class MultiLabel(Task):
    """Which of k labels an input has, any number of them: logits [n, k], labels 0 or 1 [n, k], and cross-entropies.

    The loss of an example is the mean over its labels of the cross-entropy of a sigmoid. Accuracy is that of a label.
    Partitions deal by an example's first label.

    >>> task, outputs, y = MultiLabel(), torch.tensor([[0.0, 9.0]]), torch.tensor([[1.0, 1.0]])
    >>> round(float(task.loss(outputs, y)), 3), task.right(outputs, y).tolist()
    (0.347, [[False, True]])
    """

    vectors: ClassVar[bool] = True
    numbers: ClassVar[tuple[Number, ...]] = (MicroF1(), ExactMatch())

    kind: Literal["multi_label"] = "multi_label"

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(outputs, y.to(outputs.dtype), reduction="none").mean(dim=-1)

    def right(self, outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs > 0) == (y > 0)

    def strata(self, y: Tensor, answers: int) -> tuple[Tensor, int]:
        """The number of an example's first label, or k if it has none."""
        none = torch.ones(len(y), 1, dtype=torch.bool, device=y.device)
        return torch.cat([y > 0, none], dim=1).int().argmax(dim=1), answers + 1

    def misfit(self, y: Tensor) -> str:
        fit = bool(((y == 0) | (y == 1)).all())
        return "" if fit else f"labels that are 0 or 1; found {float(y.min()):g} ... {float(y.max()):g}"
