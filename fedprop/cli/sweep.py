"""`fedprop sweep`."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from fedprop.cli.console import ERR, OUT
from fedprop.cli.folders import slug
from fedprop.cli.options import Assignments, DataDir, File, OutDir


def sweep(
    file: File,
    assignments: Assignments = [],  # noqa: B006 - typer copies it
    out: OutDir = None,
    data_dir: DataDir = None,
    jobs: Annotated[int, typer.Option(min=0, help="Cells at a time; 0 takes one for each processor.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as one JSON object, and no report.")
    ] = False,
) -> None:
    """Run a matrix of experiments; cells that are finished already are kept."""
    from fedprop.publish import publish, tables
    from fedprop.report import render_table
    from fedprop.sweep import load_sweep, run_sweep

    matrix = load_sweep(file, assignments)
    folder = out or Path("runs") / slug(matrix.name)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    results = run_sweep(matrix, folder, data_dir=data_dir, jobs=jobs or cpus, on_cell=_say_cell)
    if as_json:
        cells = [{"labels": r.cell.labels, "seed": r.cell.seed, "failure": r.failure, **r.summary} for r in results]
        print(json.dumps({"name": matrix.name, "folder": str(folder), "cells": cells}))
    else:
        for table in tables(matrix, results):
            OUT.print(render_table(table))
        OUT.print(f"report: {publish(folder)}", soft_wrap=True, highlight=False)
    if any(r.failure for r in results):
        raise typer.Exit(1)


def _say_cell(result: Any) -> None:
    outcome = result.failure or f"test error {result.summary['test_error']:.3f}"
    if failed := result.summary.get("failed_attacks"):
        outcome += f", {failed} failed attacks"
    ERR.print(f"{result.cell.label}, seed {result.cell.seed}: {outcome}", highlight=False)
