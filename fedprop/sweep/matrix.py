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
    seeds: [0, 1]
    measures: [test_error, epsilon]
    paper: {source: "...", values: {Krum: {None: 0.14}}}

The first axis gives a table's rows, the second its columns; each combination of the others is a table of its own, and
so is each measure. The paper's numbers stand in the tables of the first measure.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from fedprop.config_file import override, read_mapping
from fedprop.errors import InvalidConfig
from fedprop.experiment import Experiment, Seed
from fedprop.measures import MeasureName
from fedprop.settings import assign, validate
from fedprop.types import Frozen

Choice = dict[str, Any]


class Paper(Frozen):
    """The numbers of a paper: by row and column, with their source."""

    source: str = ""
    values: dict[str, dict[str, float]] = Field(default_factory=dict)


class Sweep(Frozen):
    """What a sweep file says; see the module's text."""

    name: str = "sweep"
    base: dict[str, Any]
    axes: Annotated[dict[str, dict[str, Choice]], Field(min_length=2)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    measures: Annotated[tuple[MeasureName, ...], Field(min_length=1)] = ("test_error",)
    paper: Paper = Paper()
    notes: str = ""

    @model_validator(mode="after")
    def _axes_have_choices(self) -> "Sweep":
        for name, choices in self.axes.items():
            if not choices:
                raise ValueError(f"`axes.{name}` must have at least one choice; found none")
        return self


@dataclass(frozen=True)
class Cell:
    """One experiment of the matrix: the label chosen on each axis, the seed, and what they make."""

    labels: tuple[str, ...]
    seed: int
    experiment: Experiment

    @property
    def slug(self) -> str:
        """A folder name."""
        text = "-".join([*self.labels, f"seed{self.seed}"])
        return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-").lower()

    @property
    def label(self) -> str:
        """How the report names the cell: row, column, and the rest."""
        return ", ".join(self.labels)


def load_sweep(path: Path, assignments: tuple[str, ...] | list[str] = ()) -> Sweep:
    """The sweep in a YAML file; a `base` that is a path is read relative to the file.

    Raises
    ------
    InvalidConfig
        If anything about it is wrong, any cell's experiment included.
    """
    data = override(read_mapping(path), assignments)
    if isinstance(data.get("base"), str):
        data = {**data, "base": read_mapping(path.parent / data["base"])}
    sweep = validate(Sweep, data, str(path))
    cells(sweep)
    return sweep


def cells(sweep: Sweep) -> list[Cell]:
    """Every combination, in the order of the axes, trials of one cell side by side.

    Raises
    ------
    InvalidConfig
        If a combination makes no valid experiment, or two of them would share a folder.
    """
    made = [make_cell(sweep, labels, seed) for labels in product(*sweep.axes.values()) for seed in sweep.seeds]
    slugs = Counter(cell.slug for cell in made)
    slug, count = slugs.most_common(1)[0]
    if count > 1:
        raise InvalidConfig(
            f"labels and seeds must name every cell's folder uniquely; found {count} cells for {slug!r}"
        )
    return made


def make_cell(sweep: Sweep, labels: tuple[str, ...], seed: int) -> Cell:
    """The cell with these labels, one for each axis. Raises as `cells` does."""
    chosen = dict(zip(sweep.axes, labels, strict=True))
    settings: dict[str, Any] = {**sweep.base, "name": sweep.name, "seed": seed}
    for axis, label in chosen.items():
        for path, value in _settings(sweep, axis, label, chosen):
            settings = assign(settings, path.split("."), value)
    return Cell(labels, seed, validate(Experiment, settings, f"cell {' / '.join(labels)}"))


def _settings(sweep: Sweep, axis: str, label: str, chosen: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    choice = sweep.axes[axis][label]
    if "per" in choice:
        other = choice["per"]
        if other not in chosen or chosen[other] not in choice:
            raise InvalidConfig(
                f"`axes.{axis}.{label}.per`: needs an entry for {chosen.get(other, other)!r}; found none"
            )
        choice = choice[chosen[other]]
    yield from choice.items()
