"""Accuracy client by client: whom the global model serves well, and whom it does not."""

from typing import ClassVar, Literal

import numpy as np

from fedprop.metrics.base import Metric
from fedprop.metrics.exam import Exam
from fedprop.metrics.reading import Reading, mean_of

LOW = 10
"""The percentile of clients that stands for those served worst, as in Li et al. 2020 (q-FFL), Table 1."""


class PerClientAccuracy(Metric):
    """The accuracy of the global model on the training data of each honest client, and the mean over these clients.

    Every client counts alike, however much data it holds. The examples have been trained on, so that a model that
    learns them by heart looks better here than on a test set; what tells about fairness is how far clients lie apart.
    Each evaluation costs a pass over all that honest clients hold.
    """

    label: ClassVar[str] = "accuracy by client"
    parts_of: ClassVar[str] = "client"

    kind: Literal["per_client_accuracy"] = "per_client_accuracy"

    def measure(self, exam: Exam) -> Reading:
        return mean_of(dict(exam.by_client()), {})

    def show(self, reading: Reading) -> str:
        known = [part for part in reading.parts.values() if part is not None]
        low = f", {LOW}th percentile {np.percentile(known, LOW):.4f}" if known else ""
        return f"{super().show(reading)}{low}"
