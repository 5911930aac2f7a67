"""Several runs as one command: a sweep, or one experiment under several seeds."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from fedprop.cli.console import ERR, OUT, clean_stdout
from fedprop.cli.tracking import track_folder

if TYPE_CHECKING:
    from fedprop.experiments.sweep import CellResult, Pool, Sweep
    from fedprop.tracking import Tracker


def run_matrix(
    matrix: "Sweep",
    folder: Path,
    *,
    data_dir: Path | None,
    jobs: int,
    as_json: bool,
    pool: "Pool | None" = None,
    trackers: "Sequence[Tracker]" = (),
) -> None:
    """Run what is missing, show all of it, hand it to trackers, and exit with 1 if something failed.

    Cells run in a `pool`, or up to `jobs` at a time on this machine; 0 for one on each processor.
    """
    from fedprop.cli.progress import SweepProgress, outcome_of
    from fedprop.experiments.sweep import cells, run_sweep

    def say(result: "CellResult") -> None:
        tell = progress.on_kept if result.kept else progress.on_cell
        tell(result.cell.name, outcome_of(result.summary, result.failure))

    with SweepProgress(ERR, len(cells(matrix))) as progress, clean_stdout(wanted=as_json):
        results = run_sweep(matrix, folder, data_dir=data_dir, jobs=jobs or processors(), pool=pool, on_cell=say)
    if as_json:
        shown = [{"labels": r.cell.labels, "seed": r.cell.seed, **r.summary, "failure": r.failure} for r in results]
        print(json.dumps({"name": matrix.name, "folder": str(folder), "cells": shown}))
    else:
        _show(matrix, results, folder)
    track_folder(folder, trackers)
    if any(result.failure for result in results):
        raise typer.Exit(1)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _show(matrix: "Sweep", results: Sequence["CellResult"], folder: Path) -> None:
    from fedprop.experiments.sweep import note_of
    from fedprop.report import render_table
    from fedprop.report.publish import publish, tables

    if matrix.axes:
        for table in tables(note_of(matrix), results):
            OUT.print(render_table(table))
    else:
        OUT.print(trials_table(matrix.name, results))
        for warning in warnings_of(results):
            OUT.print(f"warning: {warning}", style="yellow", soft_wrap=True, highlight=False, markup=False)
    OUT.print(f"report: {publish(folder)}", soft_wrap=True, highlight=False)


def warnings_of(results: Sequence["CellResult"]) -> list[str]:
    """How not to take the numbers of some seeds, a sentence each, and which seeds it is said of if not of all."""
    good = [result for result in results if not result.failure]
    seeds: dict[str, list[str]] = {}
    for result in good:
        for warning in result.summary.get("warnings", ()):
            seeds.setdefault(warning, []).append(str(result.cell.seed))
    return [told if len(found) == len(good) else f"seed {', '.join(found)}: {told}" for told, found in seeds.items()]


def trials_table(name: str, results: Sequence["CellResult"]) -> Table:
    """A row for each measure that there is: its mean over the seeds, and how far they lie apart."""
    from fedprop.experiments.measures import measure_of, measures

    good = [result.summary for result in results if not result.failure]
    own = {told["place"]: told["label"] for summary in good for told in summary["numbers"].values() if "place" in told}
    every = [*measures().values(), *(measure_of(place)._replace(label=label) for place, label in own.items())]
    seeds = f"{len(good)} seeds" if len(good) == len(results) else f"{len(good)} of {len(results)} seeds"
    table = Table("", "mean", "standard deviation", "lowest", "highest", title=Text(f"{name}, {seeds}"))
    for measure in every:
        values = [value for summary in good if (value := measure.read(summary)) is not None]
        if values:
            spread = f"{stdev(values):.4f}" if len(values) > 1 else "–"
            over = f" ({len(values)} seed{'' if len(values) == 1 else 's'})" if len(values) < len(good) else ""
            table.add_row(
                Text(f"{measure.label}{over}"),
                f"{fmean(values):.4f}",
                spread,
                f"{min(values):.4f}",
                f"{max(values):.4f}",
            )
    for result in results:
        if result.failure:
            table.add_row(f"seed {result.cell.seed}", Text("failed", style="bold red"))
    return table
