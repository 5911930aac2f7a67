"""How training on Ray actors scales: seconds of a round in this process, on one actor, and on two.

    python -m benchmarks.on_ray                   # on two cores without other work: some two minutes
    python -m benchmarks.on_ray --rounds 2 --clients 2 --model logistic_regression

Eight clients each take a step of 32 pictures with ResNet-20, every round, so that work divides evenly. A row is the
median over the rounds, after a first one in which actors start; all rows must come from the same trace. Each is
measured in a process of its own, with a cluster of its own, and one thread for each actor.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import torch

from fedprop import Dataset, Experiment, Observer, run
from fedprop.cluster.joining import joined

ACTORS = (0, 1, 2)
"""How many actors train; 0 for this process."""


class Watch(Observer):
    """Notes when each round ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_round(self, record: Any, snapshot: Any) -> None:
        self.ends.append(time.perf_counter())


def measure(actors: int, *, rounds: int, clients: int, model: str) -> tuple[list[float], str]:
    """Seconds of each round but the first, and the trace's hash."""
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(32 * clients, 3, 32, 32, generator=draw), torch.arange(32 * clients) % 10
    data = Dataset.from_arrays("noise", x, y, x[:10], y[:10])
    training = {"steps": 1, "batch_size": 32, "lr": 0.01, "engine": "ray" if actors else "auto"}
    settings = {"rounds": rounds + 1, "evaluate_every": rounds + 1, "clients": clients, "partition": "iid"}
    watch = Watch()
    experiment = Experiment(model=model, training=training, defense="mean", **settings)
    outcome = run(experiment, dataset=data, watchers=[watch])
    seconds = [end - begin for begin, end in zip(watch.ends, watch.ends[1:], strict=False)]
    return seconds, outcome.trace_sha256


def main() -> None:
    """Print a row for each number of actors."""
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=8)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--model", default="resnet20")
    options.add_argument("--actors", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    sizes = {"rounds": chosen.rounds, "clients": chosen.clients, "model": chosen.model}
    if chosen.actors is not None:
        torch.set_num_threads(1)
        if not chosen.actors:
            print(json.dumps(measure(0, **sizes)))
            return
        with joined(cpus=chosen.actors):
            print(json.dumps(measure(chosen.actors, **sizes)))
        return
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    print(f"load before: {os.getloadavg()[0]:.1f}")
    traces = set()
    for actors in ACTORS:
        command = [sys.executable, "-m", "benchmarks.on_ray", *sys.argv[1:], "--actors", str(actors)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=one_thread)
        seconds, trace = json.loads(done.stdout.splitlines()[-1])
        traces.add(trace)
        where = f"{actors} actors" if actors > 1 else "1 actor" if actors else "this process"
        row = f"{statistics.median(seconds):7.3f} s a round ({min(seconds):.3f} to {max(seconds):.3f})"
        print(f"{where:14} {row}", flush=True)
    if len(traces) > 1:
        raise SystemExit("the traces differ")


if __name__ == "__main__":
    main()
