"""Whole training rounds: every library in a process and an environment of its own, in turns."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import ON_CPU, ON_GPU, QUICK, Case, prepare
from benchmarks.peers_speed.work import MARK, Work
from benchmarks.timing import ratios, spread

SCRIPTS = Path(__file__).parent / "peers_speed"
PATIENCE = 600.0
"""Seconds after which a process is given up."""


@dataclass(frozen=True)
class Trainer:
    """Who trains, by which script, in which environment (None: the one that runs this), how, and on what."""

    name: str
    script: str
    environment: str | None = None
    workers: int = 1
    engine: str = "auto"
    devices: tuple[str, ...] = ("cpu",)


TRAINERS = (
    Trainer("fedprop", "fedprop_rounds", devices=("cpu", "cuda")),
    Trainer("fedprop, one client at a time", "fedprop_rounds", engine="sequential", devices=("cuda",)),
    Trainer("plain loop", "plain_loop", devices=("cpu", "cuda")),
    Trainer("two processes", "two_processes"),
    Trainer("ByzFL", "byzfl_rounds", "byzfl", devices=("cpu", "cuda")),
    Trainer("pfl", "pfl_rounds", "pfl"),
    Trainer("pfl, 2 workers", "pfl_rounds", "pfl", workers=2),
    Trainer("FedLab", "fedlab_rounds", "fedlab"),
    Trainer("FedJAX", "fedjax_rounds", "fedjax"),
    Trainer("Flower", "flower_rounds", "flower"),
)
OURS = TRAINERS[0].name


def measure(
    device: str,
    peers: Path | None,
    *,
    data_dir: Path | None,
    quick: bool,
    passes: int,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[dict[str, Any]]:
    """Who was absent, and one record for each case and trainer, after each pass."""
    cases = QUICK if quick else (ON_GPU if device == "cuda" else ON_CPU)
    wanted = [trainer for trainer in TRAINERS if device in trainer.devices]
    pythons = {t.name: python for t in wanted if (python := interpreter(t, peers)) is not None}
    present = [trainer for trainer in wanted if trainer.name in pythons]
    results: dict[str, list[Any]] = {trainer.name: [] for trainer in present}
    with tempfile.TemporaryDirectory() as folder:
        data = prepare(Path(folder), cases, data_dir)
        for number in range(passes):
            for trainer in present:
                say(f"training, pass {number + 1} of {passes}: {trainer.name}")
                works = [work(case, i, folder, device, trainer) for i, case in enumerate(cases)]
                results[trainer.name].append(one_pass(trainer, pythons[trainer.name], works))
            yield {
                "absent": [trainer.name for trainer in wanted if trainer not in present],
                "rows": [row for i, case in enumerate(cases) for row in rows(case, data[i], i, results)],
            }


def interpreter(trainer: Trainer, peers: Path | None) -> str | None:
    """The Python that runs a trainer; None if its environment is not there."""
    if trainer.environment is None:
        return sys.executable
    python = None if peers is None else peers / trainer.environment / "bin" / "python"
    return str(python) if python is not None and python.exists() else None


def work(case: Case, number: int, folder: str, device: str, trainer: Trainer) -> Work:
    """The case as an adapter takes it."""
    return Work(
        str(Path(folder, str(number))), case.model, case.steps, case.rounds, device=device, engine=trainer.engine
    )


def one_pass(trainer: Trainer, python: str, works: Sequence[Work]) -> list[dict[str, Any]] | str:
    """What a trainer's process reports for each case; the last words of one that fails."""
    launcher = ["-m", "torch.distributed.run", f"--nproc-per-node={trainer.workers}"] if trainer.workers > 1 else []
    script = str(SCRIPTS / f"{trainer.script}.py")
    command = [python, *launcher, script, json.dumps([asdict(work) for work in works])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPTS), *filter(None, sys.path)])}
    if trainer.environment is not None:
        environment["PYTHONPATH"] = str(SCRIPTS)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return f"gave no answer in {PATIENCE:.0f} s"
    lines = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    if len(lines) < len(works):
        return (done.stderr.strip() or done.stdout.strip() or "said nothing").splitlines()[-1]
    return [json.loads(line) for line in lines[: len(works)]]


def rows(case: Case, data: str, number: int, results: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """The records of one case; a pass's figure is the median of its rounds, and one failed pass fails a trainer."""
    known = asdict(case) | {"data": data}
    found: list[dict[str, Any]] = []
    ours: list[float] = []
    for name, passes in results.items():
        failures = [one for one in passes if isinstance(one, str)]
        if failures:
            found.append({**known, "trainer": name, "failure": failures[0]})
            continue
        seconds = [spread(one[number]["seconds"]).median for one in passes]
        ours = seconds if name == OURS else ours
        record = {**known, "trainer": name, "seconds": seconds, "median_seconds": spread(seconds).median}
        record |= {"loss": passes[-1][number]["loss"], "peak_bytes": passes[-1][number]["peak_bytes"]}
        record["version"] = passes[-1][number]["version"]
        found.append(record | ({"times_fedprop": ratios(seconds, ours)._asdict()} if ours else {}))
    return found
