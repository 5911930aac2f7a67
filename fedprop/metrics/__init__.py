"""Numbers that tell how a run went: one in a file, by name; see `fedprop.metrics.base.Number`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from fedprop.metrics.attack_success_rate import AttackSuccessRate
from fedprop.metrics.auc import AUC
from fedprop.metrics.base import Metric, Number, OfData
from fedprop.metrics.confidence import MisclassificationConfidence, misclassification_confidence
from fedprop.metrics.epsilon import Epsilon
from fedprop.metrics.exam import Aimed, Exam
from fedprop.metrics.exclusion import AttackersExcluded, HonestExcluded, RemovalSuccessRate
from fedprop.metrics.f1 import F1
from fedprop.metrics.heterogeneity import LabelDiversity, LoadDiversity
from fedprop.metrics.per_class_accuracy import PerClassAccuracy
from fedprop.metrics.per_client_accuracy import PerClientAccuracy
from fedprop.metrics.reading import Reading, Readings, pooled
from fedprop.metrics.score import BestAccuracy, TestAccuracy, TestError, TestLoss
from fedprop.registry import Registry, several

METRICS: Registry[Number] = Registry(
    "metrics",
    Number,
    (
        TestError,
        TestAccuracy,
        TestLoss,
        BestAccuracy,
        PerClassAccuracy,
        PerClientAccuracy,
        F1,
        AUC,
        AttackSuccessRate,
        MisclassificationConfidence,
        AttackersExcluded,
        HonestExcluded,
        RemovalSuccessRate,
        Epsilon,
        LoadDiversity,
        LabelDiversity,
    ),
)
"""Every number by its `kind`, in the order in which they are shown."""


_One: TypeAlias = Annotated[Number, METRICS]
_Many: TypeAlias = tuple[_One, ...]
Metrics: TypeAlias = Annotated[_Many, BeforeValidator(several, json_schema_input_type=_One | _Many | None)]
"""Any number of metrics; in a file one may stand without a list around it."""


def standing() -> tuple[Number, ...]:
    """The numbers of every run, those of installed packages among them."""
    return tuple(cls.model_validate({"kind": kind}) for kind, cls in METRICS.kinds.items() if cls.standing)


def repeated(metrics: Sequence[Number]) -> Iterator[str]:
    """A sentence for each metric that is named more than once, or is told of every run anyway."""
    for kind, count in Counter(metric.kind for metric in metrics).items():
        if count > 1:
            yield f"`metrics` must name each metric once; found {kind} {count} times"
    for metric in metrics:
        if METRICS.kinds.get(metric.kind) is type(metric) and metric.standing:
            yield f"`metrics` must name what is not measured anyway; found {metric.kind}"


__all__ = [
    "AUC",
    "F1",
    "METRICS",
    "Aimed",
    "AttackSuccessRate",
    "AttackersExcluded",
    "BestAccuracy",
    "Epsilon",
    "Exam",
    "HonestExcluded",
    "LabelDiversity",
    "LoadDiversity",
    "Metric",
    "Metrics",
    "MisclassificationConfidence",
    "Number",
    "OfData",
    "PerClassAccuracy",
    "PerClientAccuracy",
    "Reading",
    "Readings",
    "RemovalSuccessRate",
    "TestAccuracy",
    "TestError",
    "TestLoss",
    "misclassification_confidence",
    "pooled",
    "repeated",
    "standing",
]
