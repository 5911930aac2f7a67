"""Running a sweep: cell by cell, or several at a time in a pool, which is processes of this machine or a cluster."""

import gc
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch

from fedprop.errors import DataUnavailable, FedpropError, InvalidConfig, StoreError
from fedprop.experiments.identity import code_of
from fedprop.experiments.processes import Died, work
from fedprop.experiments.runner import run_in
from fedprop.experiments.store import RunStore
from fedprop.experiments.sweep.definition import Sweep
from fedprop.experiments.sweep.matrix import Cell, cells, make_cell
from fedprop.experiments.sweep.note import failed, note_of, write_note
from fedprop.experiments.sweep.results import CellResult, Reuse, cell_folder, stored
from fedprop.failures import in_words
from fedprop.files import write_atomically
from fedprop.folders import claimed

FAILURE_FILE = "failure.txt"
"""The file in a cell's folder that holds the traceback of an unexpected error."""


def run_sweep(
    sweep: Sweep,
    out: Path | str,
    *,
    data_dir: Path | None = None,
    jobs: int = 1,
    pool: "Pool | None" = None,
    on_cell: Callable[[CellResult], None] = lambda result: None,
) -> list[CellResult]:
    """Run every cell that has no result yet, in a `pool` or, without one, up to `jobs` at a time on this machine.

    Then each is in a process of its own if they are more than one. A cell that fails, whatever happens to it, is a
    result that says why; the others run. It is tried again in the next call. `on_cell` is told of every cell as it
    ends, finished ones first.

    Raises
    ------
    InvalidConfig
        If no cell could begin.
    StoreError
        If `out` is in use by another process, cannot be written to, or holds cells with other settings, data or code.
    """
    out, matrix = Path(out), cells(sweep)
    with claimed(out):
        if RunStore(out).exists:
            raise StoreError(f"{out} holds a run, and a sweep needs a folder of its own; choose another folder")
        reuse = Reuse(out, data_dir)
        done = {cell.slug: result for cell in matrix if (result := reuse.finished(cell)) is not None}
        todo = [cell for cell in matrix if cell.slug not in done]
        failures = {cell.slug: told.failure for cell in todo if (told := stored(out, cell)) is not None}
        note = failed(note_of(sweep), failures)
        write_note(note, out)
        for result in done.values():
            on_cell(result)
        for result in _run_all(sweep, todo, out, data_dir, jobs, pool):
            done[result.cell.slug] = result
            if result.failure != failures.get(result.cell.slug, ""):
                note = failed(note, {result.cell.slug: result.failure})
                write_note(note, out)
            on_cell(result)
    results = [done[cell.slug] for cell in matrix]
    if all(result.refused for result in results):
        reasons = dict.fromkeys(result.failure for result in results)
        raise InvalidConfig("\n".join(reasons))
    return results


class Job(NamedTuple):
    """What a process is told of a cell, in plain data: a rule loaded from a file cannot be sent."""

    sweep: Sweep
    labels: tuple[str, ...]
    seed: int
    out: Path
    data_dir: Path | None
    code: dict[str, Any]
    device: str = "cpu"


class Answer(NamedTuple):
    """What a process answers of a cell: see `CellResult`."""

    summary: dict[str, Any]
    failure: str
    refused: bool


Pool: TypeAlias = Callable[[Sequence[Job]], Iterator[tuple[int, Answer | Died]]]
"""Where jobs are done: the number of each and its answer, as it ends, with its run in the folder of its cell."""


def processes(count: int) -> Pool:
    """So many processes of this machine."""

    def pool(jobs: Sequence[Job]) -> Iterator[tuple[int, Answer | Died]]:
        return work(run_job, jobs, min(count, len(jobs)))

    return pool


def _run_all(
    sweep: Sweep, todo: list[Cell], out: Path, data_dir: Path | None, jobs: int, pool: Pool | None
) -> Iterator[CellResult]:
    if pool is None and (jobs == 1 or len(todo) <= 1):
        for cell in todo:
            yield run_cell(cell, out, data_dir)
            gc.collect()  # a run leaves its data in cycles, which Python would look for too late
        return
    if not todo:
        return
    told = [
        Job(sweep, cell.labels, cell.seed, out, data_dir, code_of(cell.experiment), cell.experiment.device)
        for cell in todo
    ]
    for number, answer in (pool or processes(jobs))(told):
        cell = todo[number]
        yield CellResult(cell, {}, str(answer)) if isinstance(answer, Died) else CellResult(cell, *answer)


def run_job(job: Job) -> Answer:
    """What a process does: run a cell on one thread, unless its code is not what the sweep began with."""
    torch.set_num_threads(1)
    try:
        cell = make_cell(job.sweep, job.labels, job.seed)
        if code_of(cell.experiment) != job.code:
            raise StoreError("the text of a class of one's own has changed since the sweep began; run the sweep again")
    except FedpropError as error:
        return Answer({}, str(error), False)
    result = run_cell(cell, job.out, job.data_dir)
    return Answer(dict(result.summary), result.failure, result.refused)


def run_cell(cell: Cell, out: Path, data_dir: Path | None) -> CellResult:
    """Run one cell, going on from its last checkpoint if it was interrupted, and anew if another one failed there."""
    folder = cell_folder(out, cell)
    try:
        run_in(folder, cell.experiment, data_dir=data_dir, resume=True, retry=True)
    except (Exception, SystemExit) as error:
        failed = stored(out, cell)
        summary = {} if failed is None else failed.summary
        refused = isinstance(error, InvalidConfig | DataUnavailable)
        return CellResult(cell, summary, _reason(error, folder), refused)
    return CellResult(cell, RunStore(folder).meta("summary"))


def _reason(error: BaseException, folder: Path) -> str:
    """Why a cell failed; where an error of no known kind came from is written beside its run."""
    if isinstance(error, FedpropError):
        return str(error)
    try:
        write_atomically(folder / FAILURE_FILE, "".join(traceback.format_exception(error)))
    except StoreError:
        return in_words(error)
    return f"{in_words(error)}; see {folder / FAILURE_FILE}"
