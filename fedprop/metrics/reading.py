"""What a number came to, or why there is none."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import index
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import BeforeValidator, PlainSerializer


@dataclass(frozen=True)
class Reading:
    """A number that was found, or why there is none.

    Attributes
    ----------
    value : the number; None where it is not defined.
    parts : the numbers it is made of, by class or by client, each possibly undefined.
    why : why there is no value; empty if there is one.
    cases : how many cases the value is a share of, where rounds of more cases count for more; 1 where none do.

    >>> Reading(0.5), Reading(why="class 3 has no example in the test set").value
    (Reading(value=0.5, parts={}, why='', cases=1), None)
    """

    value: float | None = None
    parts: dict[int, float | None] = field(default_factory=dict)
    why: str = ""
    cases: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _number(self.value))
        object.__setattr__(self, "parts", {index(key): _number(part) for key, part in self.parts.items()})
        if (self.value is None) != bool(self.why):
            raise ValueError(f"a reading must have a value or say why not; found {self.value!r} and {self.why!r}")


def _number(found: float | None) -> float | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, float | int) or not math.isfinite(found):
        raise ValueError(f"a reading must hold finite numbers, or None and why; found {found!r}")
    return float(found)


def _short(reading: Reading) -> Any:
    """A number alone where there is no more to say, else a mapping of what there is."""
    told = {
        "value": reading.value,
        "parts": reading.parts,
        "why": reading.why,
        "cases": None if reading.cases == 1 else reading.cases,
    }
    some = {name: found for name, found in told.items() if found not in (None, "", {})}
    return reading.value if some.keys() == {"value"} else some


def _long(found: Any) -> Any:
    """The inverse; in JSON keys are text."""
    if isinstance(found, float | int) and not isinstance(found, bool):
        return {"value": found}
    if isinstance(found, dict) and isinstance(found.get("parts"), dict):
        return {**found, "parts": {int(key): part for key, part in found["parts"].items()}}
    return found


Readings: TypeAlias = dict[str, Annotated[Reading, BeforeValidator(_long), PlainSerializer(_short)]]
"""Readings by the names of their numbers; as text a reading without parts is its value alone."""


def mean_of(parts: dict[int, float | None], absent: Mapping[int, str]) -> Reading:
    """The mean of the parts, if each has a number; `absent` says why the others have none."""
    numbers = [part for part in parts.values() if part is not None]
    if len(numbers) == len(parts) and numbers:
        return Reading(float(np.mean(numbers)), parts)
    return Reading(None, parts, next(iter(absent.values()), "there is nothing to take a mean of"))


def pooled(earlier: Reading, later: Reading) -> Reading:
    """The share among the cases of both; of a share that is not known and another, the other.

    >>> pooled(Reading(0.5, cases=2), Reading(0.0, cases=6))
    Reading(value=0.125, parts={}, why='', cases=8)
    >>> pooled(Reading(why="nobody"), Reading(why="nobody at all")).why
    'nobody'
    """
    if earlier.value is None or later.value is None:
        return earlier if later.value is None else later
    cases = earlier.cases + later.cases
    return Reading((earlier.value * earlier.cases + later.value * later.cases) / cases, cases=cases)
