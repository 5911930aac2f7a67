"""F1, the harmonic mean of precision and recall."""

from typing import ClassVar, Literal

from fedprop.metrics.base import Metric
from fedprop.metrics.exam import Exam, by_class
from fedprop.metrics.reading import Reading


class F1(Metric):
    """2 TP / (2 TP + FP + FN) for each class against all others, and the mean over classes (macro F1)."""

    label: ClassVar[str] = "F1, mean over classes"
    parts_of: ClassVar[str] = "class"
    needs_classes: ClassVar[bool] = True

    kind: Literal["f1"] = "f1"

    def measure(self, exam: Exam) -> Reading:
        from sklearn.metrics import f1_score

        classes = range(exam.classes)
        return by_class(exam, f1_score(exam.truth, exam.predictions, labels=classes, average=None, zero_division=0.0))
