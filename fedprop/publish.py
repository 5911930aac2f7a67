"""From what lies on disk to a report: reads a run's or a sweep's folder and writes its pages and figures there."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from fedprop.errors import StoreError
from fedprop.headline import marks
from fedprop.measures import MEASURES, MeasureName
from fedprop.report import write_run_report, write_sweep_report
from fedprop.report.run import RunView, TableView
from fedprop.settings import validate
from fedprop.store import RunStore
from fedprop.sweep import SWEEP_FILE, CellResult, Sweep, cell_folder, cells, finished


def publish(folder: Path) -> Path:
    """Write the report of the run or sweep in `folder`, and return the page's path.

    Raises
    ------
    StoreError
        If the folder holds neither, or cannot be read or written.
    """
    if RunStore(folder).exists:
        return write_run_report(view(RunStore(folder)), folder)
    if not (folder / SWEEP_FILE).is_file():
        raise StoreError(f"{folder} holds neither a run nor a sweep")
    sweep = _read_sweep(folder / SWEEP_FILE)
    results = [result for cell in cells(sweep) if (result := finished(folder, cell)) is not None]
    runs = [_cell_view(sweep, folder, result) for result in results]
    pages = {
        _place(sweep, r, name): cell_folder(Path(), r.cell) / "report.html" for r in results for name in sweep.measures
    }
    links = {place: page.as_posix() for place, page in pages.items() if (folder / page).is_file()}
    return write_sweep_report(
        sweep.name, tables(sweep, results), runs, folder, config=sweep.model_dump(mode="json"), links=links
    )


def _read_sweep(path: Path) -> Sweep:
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None
    return validate(Sweep, saved, str(path))


def view(store: RunStore) -> RunView:
    """A stored run as the report wants it."""
    settings = store.meta("settings")
    return RunView(
        label=settings["name"],
        config=settings,
        versions=store.meta("versions") or {},
        summary=store.meta("summary") or {},
        rounds=store.rounds(),
        events=store.events(),
        compromised=frozenset(store.meta("compromised") or ()),
    )


def tables(sweep: Sweep, results: list[CellResult]) -> list[TableView]:
    """The results as tables, one for each combination of the axes after the second and each measure."""
    others = tuple(sweep.axes.values())[2:]
    return [_table(sweep, results, rest, name) for rest in product(*others) for name in sweep.measures]


def _table(sweep: Sweep, results: list[CellResult], rest: tuple[str, ...], name: MeasureName) -> TableView:
    rows, columns, *_ = (tuple(choices) for choices in sweep.axes.values())
    measure = MEASURES[name]
    trials: dict[tuple[str, str], list[tuple[float, Mapping[str, Any]]]] = defaultdict(list)
    for result in results:
        row, column, *tail = result.cell.labels
        value = measure.read(result.summary)
        if tuple(tail) == rest and value is not None:
            trials[row, column].append((value, result.summary))
    ours = {place: tuple(value for value, _ in found) for place, found in trials.items()}
    marked = {place: marks([summary for _, summary in found]) for place, found in trials.items()}
    first = name == sweep.measures[0]
    paper = {(r, c): v for r, line in sweep.paper.values.items() for c, v in line.items()} if first else {}
    source = sweep.paper.source if first else ""
    title = _title(sweep, rest, name)
    return TableView(title, rows, columns, ours, paper, source, measure.label, sweep.notes, marked)


def _title(sweep: Sweep, rest: Iterable[str], name: MeasureName) -> str:
    return ", ".join([sweep.name, *rest, *([MEASURES[name].label] if name != sweep.measures[0] else [])])


def _place(sweep: Sweep, result: CellResult, name: MeasureName) -> tuple[str, str, str]:
    """The title of the table that shows a measure of a cell, and its row and column there."""
    row, column, *rest = result.cell.labels
    return _title(sweep, rest, name), row, column


def _cell_view(sweep: Sweep, folder: Path, result: CellResult) -> RunView:
    table, row, column = _place(sweep, result, sweep.measures[0])
    seen = view(RunStore(cell_folder(folder, result.cell)))
    return replace(seen, label=result.cell.label, table=table, row=row, column=column)
