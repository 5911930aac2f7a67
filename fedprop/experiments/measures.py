"""What a sweep's tables can show of a finished run: every number that there is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import AfterValidator, WithJsonSchema

from fedprop.defenses import PROTOCOLS
from fedprop.metrics import METRICS, Number
from fedprop.privacy import PROBES
from fedprop.settings import meant
from fedprop.tasks import TASKS


class Measure(NamedTuple):
    """A number read from a run's summary.

    Attributes
    ----------
    label : how a table names it.
    read : its value; None in a run that has none.
    """

    label: str
    read: Callable[[Mapping[str, Any]], float | None]


def _value(kind: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda summary: summary.get("numbers", {}).get(kind, {}).get("value")


def _lowest(kind: str) -> Callable[[Mapping[str, Any]], float | None]:
    """The smallest part of a number, that of the class or client that fares worst."""

    def read(summary: Mapping[str, Any]) -> float | None:
        parts = summary.get("numbers", {}).get(kind, {}).get("parts", {})
        return min((part for part in parts.values() if part is not None), default=None)

    return read


def kinds_of_numbers() -> Mapping[str, type[Number]]:
    """Every kind of number by name: the registered ones, then those that a kind of protocol or probe brings along."""
    brought = [number for protocol in PROTOCOLS.kinds.values() for number in protocol.numbers]
    brought += [number for task in TASKS.kinds.values() for number in task.numbers]
    brought += [number for probe in PROBES.kinds.values() for number in probe.numbers]
    return {**METRICS.kinds, **{number.kind: type(number) for number in brought}}


def _measures() -> Iterator[tuple[str, Measure]]:
    for kind, number in kinds_of_numbers().items():
        label = number.label or kind
        yield kind, Measure(label, _value(kind))
        if number.parts_of:
            yield f"lowest_{kind}", Measure(f"{label.split(',')[0]}, lowest", _lowest(kind))


MEASURES: dict[str, Measure] = dict(_measures())
"""Every measure. One that is not told of every run needs its number among the experiment's `metrics`.

`lowest_` is that of the class or client that fares worst.
"""


def metric_of(name: str) -> str:
    """The metric that must be asked for, for a measure to have a value; empty where none must."""
    kind = name.removeprefix("lowest_")
    return kind if kind in METRICS.kinds and not METRICS.kinds[kind].standing else ""


def _known(name: str) -> str:
    if name not in MEASURES:
        raise ValueError(f"a measure must be one of {', '.join(MEASURES)}{meant(name, MEASURES)}")
    return name


MeasureName: TypeAlias = Annotated[str, AfterValidator(_known), WithJsonSchema({"enum": [*MEASURES]})]
