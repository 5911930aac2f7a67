"""`fedprop sweep`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedprop.cli.console import clean_stdout
from fedprop.cli.folders import slug
from fedprop.cli.interruptions import telling_how_to_go_on
from fedprop.cli.matrix import processors, run_matrix
from fedprop.cli.options import Assignments, DataDir, File, Jobs, OutDir, Seeds, Trackers
from fedprop.cli.tracking import trackers_of

if TYPE_CHECKING:
    from fedprop.experiments.sweep import Pool


class Where(StrEnum):
    """Where cells run."""

    PROCESSES = "processes"
    RAY = "ray"


def sweep(
    file: File,
    assignments: Assignments = [],  # noqa: B006 - typer copies it
    seeds: Seeds = None,
    out: OutDir = None,
    data_dir: DataDir = None,
    jobs: Jobs = 0,
    on: Annotated[
        Where, typer.Option("--on", help="Where cells run: processes of this machine, or a Ray cluster.")
    ] = Where.PROCESSES,
    address: Annotated[
        str | None,
        typer.Option(help="The Ray cluster's. Default: RAY_ADDRESS, the one running here, or else a new one here."),
    ] = None,
    track: Trackers = [],  # noqa: B006 - typer copies it
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as one JSON object, and no report.")
    ] = False,
) -> None:
    """Run a matrix of experiments; cells that are finished already are kept."""
    from fedprop.experiments.sweep import load_sweep

    pools = {Where.PROCESSES: _processes, Where.RAY: _on_ray}
    changes = [*assignments, *([] if seeds is None else [f"seeds={seeds}"])]
    with clean_stdout(wanted=as_json):
        matrix = load_sweep(file, changes)
    pool = pools[on](jobs, address)
    folder = out or Path("runs") / slug(matrix.name)
    trackers = trackers_of(track)
    with telling_how_to_go_on(folder / "sweep.json"):
        run_matrix(matrix, folder, data_dir=data_dir, jobs=jobs, as_json=as_json, pool=pool, trackers=trackers)


def _processes(jobs: int, address: str | None) -> "Pool | None":
    from fedprop.errors import InvalidConfig

    if address is not None:
        raise InvalidConfig(f"--address needs --on ray; found {address}")
    return None


def _on_ray(jobs: int, address: str | None) -> "Pool | None":
    from fedprop.experiments.sweep.on_ray import on_ray

    return on_ray(address, most=jobs or None, cpus=jobs or processors())
