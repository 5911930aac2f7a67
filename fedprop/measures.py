"""What a sweep's tables can show of a finished run."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

MeasureName: TypeAlias = Literal[
    "test_error",
    "test_accuracy",
    "misclassification_confidence",
    "global_auc",
    "client_auc",
    "epsilon",
    "honest_index",
    "compromised_index",
    "honest_banned",
    "compromised_banned",
]


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


MEASURES: dict[MeasureName, Measure] = {
    "test_error": Measure("test error", _told("test_error")),
    "test_accuracy": Measure("test accuracy", _told("test_accuracy")),
    "misclassification_confidence": Measure("misclassification confidence", _told("misclassification_confidence")),
    "global_auc": Measure("AUC against the global model", _attacked("global")),
    "client_auc": Measure("AUC against a client's model", _attacked("client")),
    "epsilon": Measure("epsilon spent", _told("epsilon")),
    "honest_index": Measure("malicious index, honest clients", _ruled("honest_index")),
    "compromised_index": Measure("malicious index, compromised clients", _ruled("compromised_index")),
    "honest_banned": Measure("honest clients banned", _ruled("honest_banned")),
    "compromised_banned": Measure("compromised clients banned", _ruled("compromised_banned")),
}
"""Every measure; indices are means over clients after the last round, and bans are counted there."""
