"""A run is a function of its configuration and seed.

Theorem. Every random draw is a function of the seed and of what it is for (counter-based streams: Salmon et al.,
Parallel random numbers: as easy as 1, 2, 3, SC 2011), timers fire in the order (time, order of scheduling), and no
actor iterates over anything unordered. So the trace depends on nothing else: not on hash seeds, not on the training
engine (as far as the order of events goes), and not on whether the run was interrupted.

Preconditions. Same machine, same number of threads: the trace hash covers the parameters to the last bit.
"""

import json
import os
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import Log, experiments, run, setup_of

from fedprop.experiment import Experiment
from fedprop.simulation.engine import Snapshot, simulate

SCRIPT = """
from worlds import run
from fedprop.experiment import Experiment
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
