"""A run is a function of its configuration and seed.

Theorem. Every random draw is a function of the seed and of what it is for (counter-based streams: Salmon et al.,
Parallel random numbers: as easy as 1, 2, 3, SC 2011), timers fire in the order (time, order of scheduling), and no
actor iterates over anything unordered. Layers that draw, such as Dropout, have generators of their own, and whatever
sums is computed by one thread. So the trace depends on nothing else: not on hash seeds, not on the training engine (as
far as the order of events goes), not on whether the run was interrupted, not on how many threads torch may use, and not
on what other threads of the process do meanwhile, be it another run.

Preconditions. Same machine, same versions: the trace hash covers the parameters to the last bit. A model that draws
where no generator can be handed to it (by NumPy or `random`, or as it computes activations again for its backward pass)
shares the process's generators with nobody but other runs.
"""

import json
import os
import random
import subprocess
import sys
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import dropout
from worlds import Log, experiments, run, setup_of

from fedprop.data import Dataset
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import Outcome, Snapshot, simulate

SCRIPT = """
from worlds import run
from fedprop.experiments.experiment import Experiment
experiment = Experiment(
    rounds=6, clients=8, model="logistic_regression", training={"epochs": 1},
    policy={"kind": "fedbuff", "concurrency": 6, "buffer": 3, "timeout": 20},
    compute={"time": {"kind": "lognormal", "median": 1, "sigma": 1}},
    network={"loss": 0.05, "duplicate": 0.1}, faults={"dropout": 0.1},
    attack=[{"kind": "gaussian", "share": 0.25}, {"kind": "label_flip", "share": 0.25}],
)
print(run(experiment)[0].trace_sha256)
"""


@given(experiments())
def test_same_configuration_and_seed_give_the_same_trace(experiment: Experiment) -> None:
    first, second = run(experiment)[0], run(experiment)[0]
    assert first.trace_sha256 == second.trace_sha256
    assert first.parameters.equal(second.parameters)


@given(experiments())
def test_another_seed_gives_another_trace(experiment: Experiment) -> None:
    other = experiment.but(seed=experiment.seed + 1)
    assert run(experiment)[0].trace_sha256 != run(other)[0].trace_sha256


@given(experiments())
def test_training_engines_give_the_same_order_of_events(experiment: Experiment) -> None:
    orders = []
    for engine in ("sequential", "workers", "vectorized"):
        _, events = run(experiment.but(**{"training.engine": engine}))
        orders.append([(e.time, e.kind, e.round, e.version, e.client, e.task) for e in events])
    assert orders[0] == orders[1] == orders[2]


@given(experiments(), st.integers(0, 2))
@settings(max_examples=40)
def test_an_interrupted_run_ends_as_if_it_had_not_been(experiment: Experiment, after: int) -> None:
    whole_log, part_log = Log(), Log(snapshot_after=after)
    whole = simulate(setup_of(experiment), whole_log)
    simulate(setup_of(experiment), part_log)
    saved = part_log.snapshot
    assert saved is not None
    through_json = Snapshot(json.loads(json.dumps(saved.state)), saved.tensors)
    rest = Log()
    resumed = simulate(setup_of(experiment), rest, resume=through_json, earlier=part_log.earlier)
    assert rest.events == whole_log.events[-len(rest.events) :]
    assert resumed.trace_sha256 == whole.trace_sha256
    assert [r.accuracy for r in resumed.rounds] == [r.accuracy for r in whole.rounds]


def test_the_hash_seed_of_the_process_does_not_matter() -> None:
    traces = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.path.dirname(__file__)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(traces) == 1
    assert len(traces.pop().strip()) == 64


class Net(nn.Module):
    """A small network for pictures, whose sums several threads would share."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Flatten())
        self.head = nn.Linear(8 * 64, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.features(x)
        if self.kind == "dropout in evaluation too":
            found = dropout(found, 0.3)
        elif self.kind == "dropout":
            found = dropout(found, 0.3, self.training)
        elif self.kind == "noise":
            found = found + 0.1 * torch.randn_like(found) * self.training
        elif self.kind == "python" and self.training:
            found = found * random.random()
        logits: torch.Tensor = self.head(found)
        return logits


def play(kind: str, engine: str = "auto") -> Outcome:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(60, 1, 12, 12, generator=draw)
    data = Dataset.from_arrays("pictures", x, (x.mean((1, 2, 3)) > 0).long(), x, (x.mean((1, 2, 3)) > 0).long())
    module = Net(kind)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=draw))
    training = {"epochs": 1, "batch_size": 16, "engine": engine}
    return simulate(resolve(Experiment(rounds=2, clients=3, training=training), dataset=data, model=module), Log())


@pytest.mark.parametrize("engine", ["sequential", "workers", "vectorized"])
def test_the_number_of_threads_does_not_matter(engine: str) -> None:
    before, outcomes = torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        outcomes.append(play("plain", engine))
    torch.set_num_threads(before)
    assert len({outcome.trace_sha256 for outcome in outcomes}) == 1
    assert len({outcome.rounds[-1].loss for outcome in outcomes}) == 1


@pytest.mark.parametrize("kind", ["dropout", "dropout in evaluation too", "noise", "python"])
def test_what_other_threads_do_meanwhile_does_not_matter(kind: str) -> None:
    """Another run of the same model, and somebody who draws from torch's own generator all the time."""
    alone, found, ended = play(kind), [], threading.Event()

    def disturb() -> None:
        while not ended.wait(0.001):
            torch.rand(3)

    runs = [threading.Thread(target=lambda: found.append(play(kind).trace_sha256)) for _ in range(2)]
    disturber = threading.Thread(target=disturb)
    for thread in (disturber, *runs):
        thread.start()
    for thread in runs:
        thread.join()
    ended.set()
    disturber.join()
    assert found == [alone.trace_sha256] * 2
