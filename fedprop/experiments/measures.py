"""What a sweep's tables can show of a finished run."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import AfterValidator, WithJsonSchema

from fedprop.metrics import METRICS
from fedprop.settings import meant


class Measure(NamedTuple):
    """A number read from a run's summary.

    Attributes
    ----------
    label : how a table names it.
    read : its value; None in a run that has none.
    """

    label: str
    read: Callable[[Mapping[str, Any]], float | None]


def _attacked(target: str) -> Callable[[Mapping[str, Any]], float | None]:
    """The AUC of the attack that tells members best, on targets whose name starts so."""

    def read(summary: Mapping[str, Any]) -> float | None:
        found = summary.get("inference", ())
        return max((each["auc"] for each in found if each["target"].startswith(target)), default=None)

    return read


def _ruled(key: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda summary: summary.get("decisions", {}).get(key)


def _told(key: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda summary: summary.get(key)


def _metric(kind: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda summary: summary.get("metrics", {}).get(kind, {}).get("value")


def _lowest(kind: str) -> Callable[[Mapping[str, Any]], float | None]:
    """The smallest part of a metric, that of the class or client that fares worst."""

    def read(summary: Mapping[str, Any]) -> float | None:
        parts = summary.get("metrics", {}).get(kind, {}).get("parts", {})
        return min((part for part in parts.values() if part is not None), default=None)

    return read


def _of_metrics() -> Iterator[tuple[str, Measure]]:
    for kind, metric in METRICS.kinds.items():
        label = metric.label or kind
        yield kind, Measure(label, _metric(kind))
        if metric.parts_of:
            yield f"lowest_{kind}", Measure(f"{label.split(',')[0]}, lowest", _lowest(kind))


MEASURES: dict[str, Measure] = {
    "test_error": Measure("test error", _told("test_error")),
    "test_accuracy": Measure("test accuracy", _told("test_accuracy")),
    "best_accuracy": Measure("best test accuracy", _told("best_accuracy")),
    "misclassification_confidence": Measure("misclassification confidence", _told("misclassification_confidence")),
    "global_auc": Measure("AUC against the global model", _attacked("global")),
    "client_auc": Measure("AUC against a client's model", _attacked("client")),
    "epsilon": Measure("epsilon spent", _told("epsilon")),
    "honest_index": Measure("malicious index, honest clients", _ruled("honest_index")),
    "compromised_index": Measure("malicious index, compromised clients", _ruled("compromised_index")),
    "honest_banned": Measure("honest clients banned", _ruled("honest_banned")),
    "compromised_banned": Measure("compromised clients banned", _ruled("compromised_banned")),
    **dict(_of_metrics()),
}
"""Every measure; indices are means over clients after the last round, and bans are counted there.

Those of a metric need it among the experiment's `metrics`; `lowest_` is that of the class or client that fares worst.
"""


def metric_of(name: str) -> str:
    """The metric whose reading a measure is; empty for a measure that needs none."""
    kind = name.removeprefix("lowest_")
    return kind if kind in METRICS.kinds else ""


def _known(name: str) -> str:
    if name not in MEASURES:
        raise ValueError(f"a measure must be one of {', '.join(MEASURES)}{meant(name, MEASURES)}")
    return name


MeasureName: TypeAlias = Annotated[str, AfterValidator(_known), WithJsonSchema({"enum": [*MEASURES]})]
