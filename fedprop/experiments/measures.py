"""What a sweep's tables can show of a finished run: every number that there is."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import AfterValidator, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from fedprop.defenses import PROTOCOLS
from fedprop.metrics import METRICS, Number
from fedprop.privacy import PROBES
from fedprop.registry import place_of
from fedprop.settings import meant
from fedprop.tasks import TASKS

LOWEST = "lowest_"


class Measure(NamedTuple):
    """A number read from a run's summary.

    Attributes
    ----------
    label : how a table names it.
    read : its value; None in a run that has none.
    """

    label: str
    read: Callable[[Mapping[str, Any]], float | None]


def _entry(summary: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What a summary says of the number of this kind, or of this place; empty if nothing."""
    numbers: Mapping[str, Mapping[str, Any]] = summary.get("numbers", {})
    by_place = (told for told in numbers.values() if told.get("place") == name)
    return next(by_place, {}) if ":" in name else numbers.get(name, {})


def _value(name: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda summary: _entry(summary, name).get("value")


def _lowest(name: str) -> Callable[[Mapping[str, Any]], float | None]:
    """The smallest part of a number, that of the class or client that fares worst."""

    def read(summary: Mapping[str, Any]) -> float | None:
        parts = _entry(summary, name).get("parts", {})
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
            yield f"{LOWEST}{kind}", Measure(f"{label.split(',')[0]}, lowest", _lowest(kind))
    yield "wall_seconds_per_round", Measure("wall seconds per round", _seconds_per_round)


def _seconds_per_round(summary: Mapping[str, Any]) -> float | None:
    """What a round took on this machine, training and evaluation included; None before the first one ended."""
    seconds, rounds = summary.get("wall_seconds"), summary.get("rounds")
    return seconds / rounds if seconds is not None and rounds else None


@cache
def measures() -> Mapping[str, Measure]:
    """Every measure. One that is not told of every run needs its number among the experiment's `metrics`.

    `lowest_` is that of the class or client that fares worst. They are gathered when they are first asked for: other
    packages that bring some import this one, whole.
    """
    return MappingProxyType(dict(_measures()))


def measure_of(name: str) -> Measure:
    """The measure of this name; the number of a class of one's own is named by its place, as among the metrics."""
    if name in measures():
        return measures()[name]
    own = name.removeprefix(LOWEST)
    return Measure(name, _value(own) if own == name else _lowest(own))


def metric_of(name: str) -> str:
    """The metric that must be asked for, for a measure to have a value; empty where none must."""
    kind = name.removeprefix(LOWEST)
    return kind if ":" in kind or (kind in METRICS.kinds and not METRICS.kinds[kind].standing) else ""


def asked_for(metric: Number) -> set[str]:
    """By which names measures know a metric: by its kind, and where it is one's own by its place."""
    return {metric.kind, place_of(type(metric))}


def _known(name: str) -> str:
    if name not in measures() and ":" not in name:
        raise ValueError(f"a measure must be one of {', '.join(measures())}{meant(name, measures())}")
    return name


class _Schema:
    """What a file may say, made when somebody asks for it."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"enum": [*measures()]}, {"type": "string", "pattern": ":"}]}


MeasureName: TypeAlias = Annotated[
    str,
    AfterValidator(_known),
    _Schema(),
]
