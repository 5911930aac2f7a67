"""From what lies on disk to a report: reads a run's or a sweep's folder and writes its pages and figures there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from fedprop.errors import StoreError
from fedprop.experiments.headline import marks
from fedprop.experiments.measures import MeasureName, measure_of
from fedprop.experiments.store import RunStore
from fedprop.experiments.sweep import SWEEP_FILE, CellResult, Note, Place, cell_folder, read_note, stored
from fedprop.report import write_run_report, write_sweep_report
from fedprop.report.results_table import write_results
from fedprop.report.run import NOT_RUN, Failure, RunView, TableView


def publish(folder: Path | str) -> Path:
    """Write the report of the run or sweep in `folder`, and return the page's path. Nothing in the folder is run.

    Beside the page of a sweep, `results.csv` has a line for each of its cells.

    Raises
    ------
    StoreError
        If the folder holds neither, or a damaged one, or cannot be read or written.
    """
    folder = Path(folder)
    if RunStore(folder).exists:
        return write_run_report(view(RunStore(folder)), folder)
    if not (folder / SWEEP_FILE).is_file():
        raise StoreError(f"{folder} holds neither a run nor a sweep")
    note = read_note(folder)
    ended = [stored(folder, cell.place, cell.failure) for cell in note.cells]
    results = [result for result in ended if result is not None]
    write_results(note, results, folder)
    runs = [_cell_view(note, folder, result) for result in results if not result.failure]
    pages = {
        _spot(note, r, name): cell_folder(Path(), r.cell) / "report.html" for r in results for name in note.measures
    }
    links = {spot: page.as_posix() for spot, page in pages.items() if (folder / page).is_file()}
    return write_sweep_report(note.name, tables(note, results), runs, folder, config=note.config, links=links)


def view(store: RunStore) -> RunView:
    """A stored run as the report wants it."""
    settings, rounds = store.mapping("settings") or {}, store.rounds()
    return RunView(
        label=str(settings.get("name", store.folder.name)),
        config=settings,
        versions=store.mapping("versions") or {},
        summary=store.mapping("summary") or {},
        rounds=rounds,
        events=store.events(),
        compromised=store.compromised,
        failure=_failure(store, len(rounds)),
        aims=store.mapping("aims") or {},
    )


def _failure(store: RunStore, rounds: int) -> str:
    """Why a run is no result; empty if it is one."""
    if (summary := store.mapping("summary")) is not None:
        return str(summary.get("failure", ""))
    reason = store.meta("failure")
    return f"not finished: it ended after {rounds} rounds" + (f" with: {reason}" if reason else "")


def tables(note: Note, results: Sequence[CellResult]) -> list[TableView]:
    """The results as tables, one for each combination of the axes after the second and each measure."""
    others = tuple(note.axes.values())[2:]
    return [_table(note, results, rest, name) for rest in product(*others) for name in note.measures]


def _table(note: Note, results: Sequence[CellResult], rest: tuple[str, ...], name: MeasureName) -> TableView:
    measure = measure_of(name)
    trials: dict[tuple[str, str], list[tuple[float, Mapping[str, Any]]]] = defaultdict(list)
    failures: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    missing: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    ended = {result.cell.slug: result for result in results}
    for place in (cell.place for cell in note.cells):
        row, column, *tail = _labels(note, place)
        if tuple(tail) != rest:
            continue
        result = ended.get(place.slug)
        value = None if result is None else measure.read(result.summary)
        if result is None:
            missing[row, column].append(Failure(place.name, NOT_RUN))
        elif result.failure:
            failures[row, column].append(Failure(place.name, result.failure))
        elif value is None:
            missing[row, column].append(Failure(place.name, f"the run has no {measure.label}"))
        else:
            trials[row, column].append((value, result.summary))
    first = name == note.measures[0]
    return TableView(
        title=_title(note, rest, name),
        rows=_labels_of(note, 0),
        columns=_labels_of(note, 1),
        ours={spot: tuple(value for value, _ in found) for spot, found in trials.items()},
        paper={(r, c): v for r, line in note.paper.values.items() for c, v in line.items()} if first else {},
        source=note.paper.source if first else "",
        value=measure.label,
        notes=note.notes,
        marks={spot: marks([summary for _, summary in found]) for spot, found in trials.items()},
        failures={spot: tuple(found) for spot, found in failures.items()},
        missing={spot: tuple(found) for spot, found in missing.items()},
    )


def _labels_of(note: Note, place: int) -> tuple[str, ...]:
    """The labels on the first axis or the second; where there is none, one for all cells."""
    axes = tuple(note.axes.values())
    return axes[place] if place < len(axes) else (("all",) if place else (note.name,))


def _labels(note: Note, cell: Place) -> tuple[str, ...]:
    """A cell's row and column in its table, and its labels on the other axes."""
    found = cell.labels
    return (*found, *(_labels_of(note, place)[0] for place in range(len(found), 2)))


def _title(note: Note, rest: Iterable[str], name: MeasureName) -> str:
    return ", ".join([note.name, *rest, *([measure_of(name).label] if name != note.measures[0] else [])])


def _spot(note: Note, result: CellResult, name: MeasureName) -> tuple[str, str, str]:
    """The title of the table that shows a measure of a cell, and its row and column there."""
    row, column, *rest = _labels(note, result.cell)
    return _title(note, rest, name), row, column


def _cell_view(note: Note, folder: Path, result: CellResult) -> RunView:
    table, row, column = _spot(note, result, note.measures[0])
    seen = view(RunStore(cell_folder(folder, result.cell)))
    return replace(seen, label=result.cell.label, table=table, row=row, column=column)
