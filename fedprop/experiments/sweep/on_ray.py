"""The cells of a sweep as tasks on a Ray cluster, whose nodes need not share a disk with this process.

A task runs its cell in a folder of its own, and sends back all that is in it; the sweep's folder is written to by this
process alone. What an earlier call had begun goes with the task, which goes on from there.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from fedprop.cluster.joining import joined
from fedprop.cluster.tasks import Lost, work
from fedprop.experiments.processes import Died
from fedprop.experiments.sweep.matrix import Place
from fedprop.experiments.sweep.results import cell_folder
from fedprop.experiments.sweep.running import Answer, Job, Pool, run_job
from fedprop.files import cannot_write
from fedprop.folders import LOCK


class _Sent(NamedTuple):
    """A job, what lies in its cell's folder, and where relative paths begin."""

    job: Job
    files: Mapping[str, bytes]
    at: str


class _Came(NamedTuple):
    """An answer, and what lies in its cell's folder now."""

    answer: Answer
    files: Mapping[str, bytes]


def on_ray(address: str | None = None, *, most: int | None = None, cpus: int | None = None) -> Pool:
    """The cluster at an address, up to `most` cells at a time; `cpus` and the rest as in `fedprop.cluster`.

    A cell takes a processor, and a GPU if its `device` is one. Where a worker or a node dies, its cell is run anew.
    Data, and files with classes of one's own, must lie at the same place on all nodes.
    """

    def pool(jobs: Sequence[Job]) -> Iterator[tuple[int, Answer | Died]]:
        folders = [cell_folder(job.out, Place(job.labels, job.seed)) for job in jobs]
        sent = [_Sent(job, _packed(folder), os.getcwd()) for job, folder in zip(jobs, folders, strict=True)]
        with joined(address, cpus=cpus) as ray:
            for number, came in work(ray, _run_elsewhere, sent, most=most, gpus=_gpus):
                if isinstance(came, Lost):
                    yield number, Died(str(came))
                else:
                    _replace(folders[number], came.files)
                    yield number, came.answer

    return pool


def _gpus(sent: _Sent) -> int:
    return int(sent.job.device.startswith("cuda"))


def _run_elsewhere(sent: _Sent) -> _Came:
    """What a task does: the job, in a folder of its own."""
    job = sent.job
    if os.path.isdir(sent.at):
        os.chdir(sent.at)
    with TemporaryDirectory(prefix="fedprop-") as place:
        folder = cell_folder(Path(place), Place(job.labels, job.seed))
        _unpack(folder, sent.files)
        answer = run_job(job._replace(out=Path(place)))
        # What is said of the folder here is meant of the one in which the run will lie.
        return _Came(answer._replace(failure=answer.failure.replace(place, str(job.out))), _packed(folder))


def _packed(folder: Path) -> dict[str, bytes]:
    """The files in a folder, by their path in it; none if it is not there."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != LOCK]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _unpack(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put these files in the place of all that lies in a folder: all of them, or none."""
    coming = folder.with_name(f".{folder.name}.new")
    try:
        shutil.rmtree(coming, ignore_errors=True)
        _unpack(coming, files)
        if folder.exists():
            shutil.rmtree(folder)
        if files:
            coming.rename(folder)
    except OSError as error:
        raise cannot_write(folder, error) from None
