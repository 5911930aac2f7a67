"""Running a sweep: cell by cell, or several at a time, each in a process of its own."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from fedprop.errors import RunFailed
from fedprop.files import write_atomically
from fedprop.runner import run
from fedprop.store import RunStore
from fedprop.sweep.definition import Sweep
from fedprop.sweep.matrix import Cell, cells, make_cell
from fedprop.sweep.results import CellResult, cell_folder, finished
from fedprop.sweep.workers import start_worker

SWEEP_FILE = "sweep.json"
"""In a sweep's folder: what the sweep consists of."""


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


def _run_labels(
    sweep: Sweep, labels: tuple[str, ...], seed: int, out: Path, data_dir: Path | None
) -> tuple[Mapping[str, Any], str]:
    """What a process of the pool does. It gets plain data only: a rule loaded from a file cannot be pickled."""
    result = run_cell(make_cell(sweep, labels, seed), out, data_dir)
    return result.summary, result.failure


def run_cell(cell: Cell, out: Path, data_dir: Path | None) -> CellResult:
    """Run one cell, going on from its last checkpoint if it was interrupted."""
    folder = cell_folder(out, cell)
    try:
        run(cell.experiment, data_dir=data_dir, out=folder, resume=True)
    except RunFailed as error:
        return CellResult(cell, {}, str(error))
    return CellResult(cell, RunStore(folder).meta("summary"))
