"""The area under the ROC curve."""

from typing import ClassVar, Literal

import numpy as np

from fedprop.metrics.base import Metric
from fedprop.metrics.exam import Exam, by_class
from fedprop.metrics.reading import Reading


class AUC(Metric):
    """The area under the ROC curve of each class against all others, and the mean over classes (one-vs-rest, macro).

    It is the chance that an example of the class gets a larger probability for it than an example of another class.
    """

    label: ClassVar[str] = "AUC, mean over classes"
    parts_of: ClassVar[str] = "class"
    needs_classes: ClassVar[bool] = True

    kind: Literal["auc"] = "auc"

    def measure(self, exam: Exam) -> Reading:
        from sklearn.metrics import roc_auc_score

        if not np.isfinite(exam.probabilities).all():
            return Reading(why="the model's outputs are not finite")
        if sum(exam.held) < 2:
            return Reading(why="the test set holds one class only")
        truth, held = exam.truth, exam.held
        return by_class(
            exam,
            [roc_auc_score(truth == k, exam.probabilities[:, k]) if held[k] else None for k in range(exam.classes)],
        )
