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

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, model_validator

from fedprop.config_file import assign, override, read_mapping, validate
from fedprop.errors import InvalidConfig, RunFailed
from fedprop.experiment import Experiment, Seed
from fedprop.measures import MeasureName
from fedprop.report.files import write_atomically
from fedprop.runner import run
from fedprop.store import RunStore
from fedprop.types import Frozen

Choice = dict[str, Any]
SWEEP_FILE = "sweep.json"
"""In a sweep's folder: what the sweep consists of."""


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


@dataclass(frozen=True)
class CellResult:
    """How a cell ended: its summary, or why there is none."""

    cell: Cell
    summary: Mapping[str, Any]
    failure: str = ""


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
    made = [_cell(sweep, labels, seed) for labels in product(*sweep.axes.values()) for seed in sweep.seeds]
    slugs = Counter(cell.slug for cell in made)
    slug, count = slugs.most_common(1)[0]
    if count > 1:
        raise InvalidConfig(
            f"labels and seeds must name every cell's folder uniquely; found {count} cells for {slug!r}"
        )
    return made


def _cell(sweep: Sweep, labels: tuple[str, ...], seed: int) -> Cell:
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


def run_sweep(
    sweep: Sweep, out: Path, *, data_dir: Path | None, jobs: int, on_cell: Callable[[CellResult], None]
) -> list[CellResult]:
    """Run every cell that is not finished yet, up to `jobs` at a time, each in a process of its own if more than one.

    `on_cell` is told of every cell as it ends, finished ones first.

    Raises
    ------
    InvalidConfig, DataUnavailable
        If a cell cannot be set up, or `out` holds cells with other settings.
    RunFailed
        If a process died.
    """
    matrix = cells(sweep)
    done = {cell.slug: result for cell in matrix if (result := finished(out, cell)) is not None}
    write_atomically(out / SWEEP_FILE, sweep.model_dump_json(indent=1))
    for result in done.values():
        on_cell(result)
    for result in _run_all(sweep, [cell for cell in matrix if cell.slug not in done], out, data_dir, jobs):
        done[result.cell.slug] = result
        on_cell(result)
    return [done[cell.slug] for cell in matrix]


def _run_all(sweep: Sweep, todo: list[Cell], out: Path, data_dir: Path | None, jobs: int) -> Iterator[CellResult]:
    if jobs == 1 or len(todo) <= 1:
        yield from (run_cell(cell, out, data_dir) for cell in todo)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(todo)), mp_context=context, initializer=start_worker) as pool:
        futures = {pool.submit(_run_labels, sweep, cell.labels, cell.seed, out, data_dir): cell for cell in todo}
        try:
            for future in as_completed(futures):
                yield CellResult(futures[future], *future.result())
        except BrokenExecutor:
            raise RunFailed("a cell's process died, perhaps for want of memory; try again with fewer --jobs") from None
        finally:
            pool.shutdown(cancel_futures=True)


def start_worker() -> None:
    """Prepare a process of the pool: one thread to compute with, and an end when the sweep's own process ends."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_labels(
    sweep: Sweep, labels: tuple[str, ...], seed: int, out: Path, data_dir: Path | None
) -> tuple[Mapping[str, Any], str]:
    """What a process of the pool does. It gets plain data only: a rule loaded from a file cannot be pickled."""
    result = run_cell(_cell(sweep, labels, seed), out, data_dir)
    return result.summary, result.failure


def run_cell(cell: Cell, out: Path, data_dir: Path | None) -> CellResult:
    """Run one cell, going on from its last checkpoint if it was interrupted."""
    folder = cell_folder(out, cell)
    try:
        run(cell.experiment, data_dir=data_dir, out=folder, resume=True)
    except RunFailed as error:
        return CellResult(cell, {}, str(error))
    return CellResult(cell, RunStore(folder).meta("summary"))


def finished(out: Path, cell: Cell) -> CellResult | None:
    """The result of a cell that an earlier call finished with the same settings; None if there is none.

    Raises
    ------
    InvalidConfig
        If the folder holds a run with other settings.
    """
    store = RunStore(cell_folder(out, cell))
    if not store.exists:
        return None
    if store.meta("settings") != cell.experiment.model_dump(mode="json"):
        raise InvalidConfig(f"{store.folder} holds a run of another configuration; choose another --out")
    summary = store.meta("summary")
    return None if summary is None else CellResult(cell, summary)


def cell_folder(out: Path, cell: Cell) -> Path:
    """Where a cell's run lies."""
    return out / "cells" / cell.slug
