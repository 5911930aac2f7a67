"""Accuracy class by class."""

from typing import ClassVar, Literal

from fedprop.metrics.base import Metric
from fedprop.metrics.exam import Exam, by_class
from fedprop.metrics.reading import Reading


class PerClassAccuracy(Metric):
    """The share of each class's test examples that are recognised (its recall); the mean is balanced accuracy."""

    label: ClassVar[str] = "accuracy by class"
    parts_of: ClassVar[str] = "class"
    parts_curve: ClassVar[bool] = True
    needs_classes: ClassVar[bool] = True

    kind: Literal["per_class_accuracy"] = "per_class_accuracy"

    def measure(self, exam: Exam) -> Reading:
        from sklearn.metrics import recall_score

        classes = range(exam.classes)
        return by_class(
            exam, recall_score(exam.truth, exam.predictions, labels=classes, average=None, zero_division=0.0)
        )
