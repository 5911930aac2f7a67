"""Numbers that tell how good a model is, beside its accuracy and loss: one metric per file, by name."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from fedprop.metrics.auc import AUC
from fedprop.metrics.base import Exam, Metric, Reading
from fedprop.metrics.f1 import F1
from fedprop.metrics.per_class_accuracy import PerClassAccuracy
from fedprop.metrics.per_client_accuracy import PerClientAccuracy
from fedprop.registry import Registry, several

METRICS: Registry[Metric] = Registry("metrics", Metric, (PerClassAccuracy, PerClientAccuracy, F1, AUC))
"""Every metric by its `kind`."""


_One: TypeAlias = Annotated[Metric, METRICS]
_Many: TypeAlias = tuple[_One, ...]
Metrics: TypeAlias = Annotated[_Many, BeforeValidator(several, json_schema_input_type=_One | _Many | None)]
"""Any number of metrics; in a file one may stand without a list around it."""


def repeated(metrics: Sequence[Metric]) -> Iterator[str]:
    """A sentence for each metric that is named more than once, and would be under one name."""
    for kind, count in Counter(metric.kind for metric in metrics).items():
        if count > 1:
            yield f"`metrics` must name each metric once; found {kind} {count} times"


__all__ = [
    "AUC",
    "F1",
    "METRICS",
    "Exam",
    "Metric",
    "Metrics",
    "PerClassAccuracy",
    "PerClientAccuracy",
    "Reading",
    "repeated",
]
