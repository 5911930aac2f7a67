"""The cells of a sweep: every combination of the choices on its axes."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from fedprop.errors import InvalidConfig
from fedprop.experiments.config_file import override, read_mapping
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.measures import asked_for, metric_of
from fedprop.experiments.sweep.definition import PER, Choice, Sweep
from fedprop.settings import assign, meant, shown, sound, validate
from fedprop.settings.explain import MOST

LONGEST = 150
"""Most characters of its labels in the name of a cell's folder; file systems take 255, and a digest is added."""


@dataclass(frozen=True)
class Place:
    """Where a cell stands in the matrix: the label chosen on each axis, and the seed."""

    labels: tuple[str, ...]
    seed: int

    @property
    def slug(self) -> str:
        """A folder name, of one part whatever the labels are."""
        text = "-".join([*self.labels, f"seed{self.seed}"])
        plain = re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-").lower()
        return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}-{sha256(text.encode()).hexdigest()[:8]}"

    @property
    def label(self) -> str:
        """How a report names the cell: row, column, and the rest."""
        return ", ".join(self.labels) or f"seed {self.seed}"

    @property
    def name(self) -> str:
        """How a line names it, its seed included."""
        return ", ".join([*self.labels, f"seed {self.seed}"])


@dataclass(frozen=True)
class Cell(Place):
    """One experiment of the matrix."""

    experiment: Experiment


def load_sweep(path: Path, assignments: tuple[str, ...] | list[str] = ()) -> Sweep:
    """The sweep in a YAML file; a `base` that is a path is read relative to the file.

    Raises
    ------
    InvalidConfig
        If anything about it is wrong, any cell's experiment included.
    """
    data = read_mapping(path)
    for assignment in assignments:
        if assignment.strip().startswith("base."):
            data = _with_base(data, path)
        data = override(data, [assignment])
    if "axes" not in data and "base" not in data and data.keys() & Experiment.model_fields.keys() - {"name"}:
        raise InvalidConfig(f"{path} holds a single experiment: `fedprop run` runs it, and `load_experiment` reads it")
    sweep = validate(Sweep, _with_base(data, path), str(path))
    if not sweep.axes:
        raise InvalidConfig(f"{path}: `axes` must have at least one axis; found none (for seeds alone: run --seeds)")
    cells(sweep)
    return sweep


def over_seeds(base: dict[str, Any], name: str, seeds: Any) -> Sweep:
    """One experiment under several seeds, as `Sweep.seeds` takes them. Raises as `load_sweep` does."""
    sweep = validate(Sweep, {"name": name, "base": base, "axes": {}, "seeds": seeds}, "--seeds")
    cells(sweep)
    return sweep


def _with_base(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """The sweep with the settings of the file that its base names, if it names one."""
    base = data.get("base")
    return {**data, "base": read_mapping(path.parent / base)} if isinstance(base, str) else data


def cells(sweep: Sweep) -> list[Cell]:
    """Every combination, in the order of the axes, trials of one cell side by side.

    Raises
    ------
    InvalidConfig
        If a combination makes no valid experiment, or two of them would share a folder.
    """
    sweep = sound(Sweep, sweep, "sweep", "which `load_sweep` reads from a file")
    if conditions := [*_conditions(sweep)]:
        raise InvalidConfig("\n".join(conditions[:MOST]))
    made: list[Cell] = []
    mistakes: dict[str, str] = {}
    for labels, seed in product(product(*sweep.axes.values()), sweep.seeds):
        try:
            made.append(make_cell(sweep, labels, seed))
        except InvalidConfig as error:
            for line in str(error).splitlines():
                mistakes.setdefault(line.partition(": ")[2], line)  # many cells share a mistake, which is told once
    if mistakes:
        raise InvalidConfig("\n".join(list(mistakes.values())[:MOST]))
    asked = {name for cell in made for metric in cell.experiment.metrics for name in asked_for(metric)}
    for name in sweep.measures:
        if (kind := metric_of(name)) and kind not in asked:
            raise InvalidConfig(f"`measures`: {name} needs {kind} among the `metrics` of the cells; found none there")
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
    return Cell(labels, seed, validate(Experiment, settings, f"cell {' / '.join(labels) or seed}"))


def _settings(sweep: Sweep, axis: str, label: str, chosen: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    choice = sweep.axes[axis][label]
    yield from (choice[chosen[choice[PER]]] if PER in choice else choice).items()


def _conditions(sweep: Sweep) -> Iterator[str]:
    """What is wrong with the choices that depend on others."""
    for place, axis, choice in sweep.choices():
        if PER in choice:
            others = {name: labels for name, labels in sweep.axes.items() if name != axis}
            yield from _condition(place, choice, others)


def _condition(place: str, choice: Choice, others: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    other = choice[PER]
    if not isinstance(other, str) or other not in others:
        found = f"among the other axes, {', '.join(others)}; found none{meant(other, others)}"
        yield f"`{place}.per`: needs an entry for {shown(other)} {found}"
        return
    for label in others[other]:
        if label not in choice:
            yield f"`{place}.per`: needs an entry for {label!r}; found none"
    for label, settings in choice.items():
        if label != PER and label not in others[other]:
            yield f"`{place}.{label}` must be a choice of {other}; found {shown(label)}{meant(label, others[other])}"
        elif label != PER and not (isinstance(settings, dict) and all(isinstance(name, str) for name in settings)):
            yield f"`{place}.{label}` must be a mapping of settings; found {shown(settings)}"
