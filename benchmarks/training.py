"""Seconds per round of local training: 100 clients with 80 MNIST images each, all in every round, batches of 32.

`python benchmarks/training.py` prints a table; it needs the folder named by FEDPROP_DATA_DIR. Beside whole rounds of
fedprop, events, messages and aggregation included, stand its training alone and two bare references: a plain loop over
the clients that reuses one model, on one thread, and such loops in as many threads as torch may use.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn.functional import cross_entropy

from fedprop.cores import start_threads
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.params import ParameterLayout
from fedprop.simulation.setup import Setup
from fedprop.training import Ticket, make_engine

CLIENTS = 100
IMAGES = 80
MODELS = ("logistic_regression", "fang_dnn")
STEPS = (1, 5)

Way = Callable[[int], list[float]]
"""Makes so many rounds and returns the seconds of each."""


def measure(
    *,
    rounds: int = 3,
    passes: int = 3,
    models: Sequence[str] = MODELS,
    steps: Sequence[int] = STEPS,
    data_dir: Path | None = None,
) -> list[dict[str, Any]]:
    """One row for each model, number of local steps and way to train, with the seconds of each round measured.

    The ways take turns, `rounds` rounds at a time and `passes` times over, so that all meet the same machine.
    """
    rows = []
    for model in models:
        for count in steps:
            found = _take_turns(_ways(model, count, data_dir), rounds, passes)
            rows += [
                {"model": model, "steps": count, "way": way, "median": median(seconds), "seconds": seconds}
                for way, seconds in found.items()
            ]
    return rows


def _take_turns(ways: dict[str, Way], rounds: int, passes: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(passes):
        for name, way in ways.items():
            seconds[name] += way(rounds)
    return seconds


def _ways(model: str, steps: int, data_dir: Path | None) -> dict[str, Way]:
    experiment = Experiment(
        rounds=1,
        clients=CLIENTS,
        data={"kind": "mnist", "train_size": CLIENTS * IMAGES},
        model=model,
        training={"lr": 0.05, "batch_size": 32, "steps": steps},
    )
    setup = resolve(experiment, data_dir=data_dir)
    origin = ParameterLayout.of(setup.module).flatten(setup.module)
    engine = make_engine(setup.module, setup.shards, setup.training, seed=0)
    tickets = [Ticket(client, client, origin) for client in range(CLIENTS)]
    threads = torch.get_num_threads()
    return {
        "fedprop": partial(_rounds, experiment, setup),
        "fedprop, training alone": partial(_timed, lambda: engine(tickets)),
        "plain loop": partial(_timed, _Loops(setup, 1)),
        f"plain loops in {threads} threads": partial(_timed, _Loops(setup, threads)),
    }


def _rounds(experiment: Experiment, setup: Setup, rounds: int) -> list[float]:
    """Whole rounds of a simulation but the first, which warms up, and the last, which is evaluated."""
    longer = experiment.but(rounds=rounds + 2, evaluate_every=rounds + 2)
    outcome = run(longer, dataset=setup.dataset, model=setup.module)
    ends = [record.wall_seconds for record in outcome.rounds[:-1]]
    return [end - begin for begin, end in pairwise(ends)]


def _timed(work: Callable[[], object], rounds: int) -> list[float]:
    """A call of `work` is a round; one more before them warms up."""
    ends = [(work(), perf_counter())[1] for _ in range(rounds + 1)]
    return [end - begin for begin, end in pairwise(ends)]


class _Loops:
    """What anybody would write first: each thread takes every n-th client through its steps, in a model of its own."""

    def __init__(self, setup: Setup, threads: int) -> None:
        self.setup = setup
        self.modules = [copy.deepcopy(setup.module) for _ in range(threads)]
        self.threads = start_threads(threads)

    def __call__(self) -> None:
        count = len(self.modules)
        for _ in self.threads.map(self._train, self.modules, [range(i, CLIENTS, count) for i in range(count)]):
            pass

    def _train(self, module: nn.Module, clients: Iterable[int]) -> None:
        pool, config = self.setup.shards.pool, self.setup.training
        start = self.setup.module.state_dict()
        optimizer = torch.optim.SGD(module.parameters(), lr=config.lr)
        for client in clients:
            module.load_state_dict(start)
            part = self.setup.shards.parts[client]
            x, y = pool.x[part], pool.y[part]
            for _ in range(config.count_steps(len(part))):
                batch = torch.randperm(len(part))[: config.batch_size]
                optimizer.zero_grad()
                cross_entropy(module(x[batch]), y[batch]).backward()
                optimizer.step()


def main() -> None:
    table = Table("model", "steps", "way", "seconds per round", "fastest", "slowest", title="Training 100 clients")
    for row in measure():
        shown = (row["median"], min(row["seconds"]), max(row["seconds"]))
        table.add_row(row["model"], str(row["steps"]), row["way"], *(f"{seconds:.4f}" for seconds in shown))
    Console().print(table)


if __name__ == "__main__":
    main()
