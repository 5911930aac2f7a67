"""A sweep as one plain table, a line for each cell, for whoever reads on with other tools."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from fedprop.experiments.headline import doubts
from fedprop.experiments.measures import measure_of
from fedprop.experiments.sweep import CellResult, Note
from fedprop.files import write_atomically
from fedprop.report.run import NOT_RUN

FILE = "results.csv"


def write_results(note: Note, results: Sequence[CellResult], folder: Path) -> Path:
    """Write `results.csv` into a sweep's folder; returns its path.

    A column for each axis, the seed, a column for each measure, why the cell failed, or has not ended yet, and for one
    that did what failed in it, or had no effect. A number that a cell lacks is left empty, and so are all of one that
    failed: what a run that came to nothing measured is no result.

    Raises
    ------
    StoreError
        If the folder cannot be written to.
    """
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerows(_lines(note, results))
    write_atomically(folder / FILE, written.getvalue())
    return folder / FILE


def _lines(note: Note, results: Sequence[CellResult]) -> Iterator[list[object]]:
    yield [*note.axes, "seed", *note.measures, "failure", "doubts"]
    measures = [measure_of(name) for name in note.measures]
    ended = {result.cell.slug: result for result in results}
    for place in (cell.place for cell in note.cells):
        result = ended.get(place.slug, CellResult(place, {}, NOT_RUN))
        values = [None if result.failure else measure.read(result.summary) for measure in measures]
        yield [*place.labels, place.seed, *values, result.failure, _doubts(result)]


def _doubts(result: CellResult) -> str:
    return "; ".join(doubts(result.summary)) if "defense" in result.summary and not result.failure else ""
