"""`fedprop sweep`."""

from pathlib import Path
from typing import Annotated

import typer

from fedprop.cli.console import clean_stdout
from fedprop.cli.folders import slug
from fedprop.cli.interruptions import telling_how_to_go_on
from fedprop.cli.matrix import run_matrix
from fedprop.cli.options import Assignments, DataDir, File, Jobs, OutDir, Seeds, Trackers
from fedprop.cli.tracking import trackers_of


def sweep(
    file: File,
    assignments: Assignments = [],  # noqa: B006 - typer copies it
    seeds: Seeds = None,
    out: OutDir = None,
    data_dir: DataDir = None,
    jobs: Jobs = 0,
    track: Trackers = [],  # noqa: B006 - typer copies it
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as one JSON object, and no report.")
    ] = False,
) -> None:
    """Run a matrix of experiments; cells that are finished already are kept."""
    from fedprop.experiments.sweep import load_sweep

    changes = [*assignments, *([] if seeds is None else [f"seeds={seeds}"])]
    with clean_stdout(wanted=as_json):
        matrix = load_sweep(file, changes)
    folder = out or Path("runs") / slug(matrix.name)
    trackers = trackers_of(track)
    with telling_how_to_go_on(folder / "sweep.json"):
        run_matrix(matrix, folder, data_dir=data_dir, jobs=jobs, as_json=as_json, trackers=trackers)
