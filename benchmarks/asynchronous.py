"""What asynchrony costs: FedBuff with 100 clients at work, beside synchronous rounds of the same clients.

Clients train when their result is asked for, all that are at work together. How many share a pass depends on how their
durations are spread: the more evenly, the more; where some are very short, the others wait for nobody.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.event_loop import Nobody
from benchmarks.timing import in_turns, ratios, spread
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import Outcome, simulate
from fedprop.simulation.setup import Setup

CLIENTS = 100
IMAGES = 80
BUFFER = 10
DURATIONS: dict[str, dict[str, Any]] = {
    "equal": {"kind": "constant", "value": 1},
    "lognormal, sigma = 0.25": {"kind": "lognormal", "median": 1, "sigma": 0.25},
    "lognormal, sigma = 0.5": {"kind": "lognormal", "median": 1, "sigma": 0.5},
    "exponential": {"kind": "exponential", "mean": 1},
}
MODELS = ("logistic_regression", "fang_dnn")


def measure(
    *,
    rounds: int = 5,
    passes: int = 3,
    models: Sequence[str] = MODELS,
    data_dir: Path | None = None,
) -> list[dict[str, Any]]:
    """One row for each model and spread of durations: seconds per client update of FedBuff, as times a round's.

    All make as many client updates, of five local steps each, as there are in so many rounds of all clients.
    """
    rows = []
    for model in models:
        setups = {name: _setup(model, durations, rounds, data_dir) for name, durations in DURATIONS.items()}
        found: dict[str, Outcome] = {}
        calls = {name: partial(_run, found, name, setup) for name, setup in setups.items()}
        calls["rounds"] = partial(_run, found, "rounds", _setup(model, None, rounds, data_dir))
        seconds = in_turns(calls, passes=passes)
        for name in setups:
            times = ratios(seconds[name], seconds["rounds"])
            rows.append(
                {
                    "model": model,
                    "durations": name,
                    "clients per pass": found[name].tickets_per_pass,
                    "ms per update": 1000 * spread(seconds[name]).median / (rounds * CLIENTS),
                    "times synchronous": times.median,
                    "from": times.low,
                    "to": times.high,
                }
            )
    return rows


def _run(found: dict[str, Outcome], name: str, setup: Setup) -> None:
    found[name] = simulate(setup, Nobody())


def _setup(model: str, durations: dict[str, Any] | None, rounds: int, data_dir: Path | None) -> Setup:
    """FedBuff with these durations, or else synchronous rounds."""
    policy: dict[str, Any] = {"kind": "fedbuff", "concurrency": CLIENTS, "buffer": BUFFER}
    experiment = Experiment(
        rounds=rounds * CLIENTS // BUFFER if durations else rounds,
        clients=CLIENTS,
        data={"kind": "mnist", "train_size": CLIENTS * IMAGES} if data_dir else "digits",
        model=model,
        training={"lr": 0.05, "batch_size": 32, "steps": 5},
        policy=policy if durations else {"kind": "synchronous"},
        compute={"time": durations} if durations else {},
        evaluate_every=10**9,
    )
    return resolve(experiment, data_dir=data_dir)
