"""A matrix of experiments: every combination of the choices on its axes, cell by cell, resumable.

    base: quickstart.yaml            # or the settings themselves
    axes:
      rule:
        Mean: {defense: {kind: mean}}
        Krum: {defense: {kind: krum, f: 4}}
      attack:
        None: {attack: {kind: none}}
        Matched:                     # a choice may depend on the choice of an earlier axis
          per: rule
          Mean: {attack: {kind: sign_flip}}
          Krum: {attack: {kind: fang_krum}}
    seeds: [0, 1]                    # or a range, 1..5
    measures: [test_error, epsilon]
    paper: {source: "...", values: {Krum: {None: 0.14}}}

The first axis gives a table's rows, the second, if there is one, its columns; each combination of the others is a table
of its own, and so is each measure. The paper's numbers stand in the tables of the first measure.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from fedprop.experiments.experiment import Seed
from fedprop.experiments.measures import MeasureName
from fedprop.settings import meant, shown
from fedprop.types import Frozen

Choice = dict[str, Any]

PER = "per"
"""The key by which a choice says on which other axis it depends."""

MOST_CELLS = 20_000
"""Maximum cells of a sweep; at half a minute each, so many take a week."""


def _numbers(value: Any) -> Any:
    """1..5 as 1, 2, 3, 4, 5; anything else as it is."""
    ends = re.fullmatch(r"(\d{1,18})\.\.(\d{1,18})", value) if isinstance(value, str) else None
    if ends is None:
        return (value,) if isinstance(value, int) else value
    first, last = map(int, ends.groups())
    if not 0 <= last - first < MOST_CELLS:
        raise ValueError(f"a range of seeds must ascend, by less than {MOST_CELLS:,}; found {value}")
    return tuple(range(first, last + 1))


Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), BeforeValidator(_numbers)]
"""Trials of one cell: several numbers, or a range such as 1..5."""


class Paper(Frozen):
    """The numbers of a paper: by row and column, with their source.

    Attributes
    ----------
    source : where the numbers stand.
    values : the numbers: row, column, number.
    """

    source: str = ""
    values: dict[str, dict[str, float]] = Field(default_factory=dict)


class Sweep(Frozen):
    """What a sweep file says; see the module's text.

    Attributes
    ----------
    name : names the sweep and its folder.
    base : the settings that all cells share, or in a file the path of a file with them.
    axes : the choices on each axis: axis, label, settings by name or by path.
    seeds : each combination of choices runs once with each.
    measures : the numbers that the tables show.
    paper : a paper's numbers, to stand beside ours.
    notes : what the report says below its tables.
    """

    name: str = "sweep"
    base: dict[str, Any]
    axes: dict[str, dict[str, Choice]]
    seeds: Seeds = (0,)
    measures: Annotated[tuple[MeasureName, ...], Field(min_length=1)] = ("test_error",)
    paper: Paper = Paper()
    notes: str = ""

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return self._axes_have_choices, self._size, self._own_settings, self._paper_has_a_place

    def _axes_have_choices(self) -> Iterator[str]:
        for name, choices in self.axes.items():
            if not choices:
                yield f"`axes.{name}` must have at least one choice; found none"

    def _size(self) -> Iterator[str]:
        count = math.prod(map(len, self.axes.values())) * len(self.seeds)
        if count > MOST_CELLS:
            yield f"`axes` and `seeds` must make at most {MOST_CELLS:,} cells; found {count:,}"

    def _own_settings(self) -> Iterator[str]:
        for place, _, choice in self.choices():
            for name in ("name", "seed"):
                if name in choice:
                    yield f"`{place}.{name}`: the sweep itself says `name` and `seeds`; found {shown(choice[name])}"

    def _paper_has_a_place(self) -> Iterator[str]:
        if len(self.axes) < 2:
            if self.paper.values:
                yield f"`paper.values` must be left out without rows and columns; found {len(self.axes)} axes"
            return
        rows, columns = list(self.axes.values())[:2]
        for row, cells in self.paper.values.items():
            if row not in rows:
                yield f"`paper.values.{row}` must be a choice of the first axis; found {shown(row)}{meant(row, rows)}"
            for column in (column for column in cells if column not in columns):
                told = f"{shown(column)}{meant(column, columns)}"
                yield f"`paper.values.{row}.{column}` must be a choice of the second axis; found {told}"

    def choices(self) -> Iterator[tuple[str, str, Choice]]:
        """Where each choice stands, its axis, and what it says."""
        for axis, choices in self.axes.items():
            for label, choice in choices.items():
                yield f"axes.{axis}.{label}", axis, choice
