"""What a defense adds to a round of training: the same run under each, as times of plain averaging.

`python -m benchmarks.defenses --data-dir DIR` prints a table; `measure()` gives its rows. Guo et al. (2024, section
5.8) ask this of SIREN+: its clients test two models before they train, and after an alarm its server tests all theirs.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from rich import print as show
from rich.table import Table

from benchmarks.event_loop import Nobody
from benchmarks.timing import in_turns, ratios, spread
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import simulate
from fedprop.simulation.setup import Setup

SHARED = {"clients": 10, "data": {"kind": "mnist"}, "root": {"size": 100}, "evaluate_every": 10**9}
MODELS: dict[str, dict[str, Any]] = {
    "perceptron, 64 hidden": {
        "model": {"kind": "mlp", "hidden": [64]},
        "training": {"lr": 0.05, "batch_size": 32, "epochs": 1},
    },
    "CNN of Table 4": {"model": "siren_dp_cnn", "training": {"lr": 0.05, "batch_size": 64, "epochs": 1}},
}
TESTS_ALL = {"kind": "siren_plus", "penalty": None, "always_compare": True}
DEFENSES: dict[str, dict[str, Any]] = {
    "FedAvg": {"defense": "mean"},
    "FedAvg on nine tenths of the data": {"defense": "mean", "data": {"kind": "mnist", "train_size": 7200}},
    "Multi-Krum": {"defense": {"kind": "krum", "f": 3, "m": 5}},
    "Median": {"defense": "median"},
    "FLTrust": {"defense": "fl_trust"},
    "SIREN+, nobody alarms": {"defense": "siren_plus"},
    "SIREN+, tests everybody": {"defense": TESTS_ALL, "attack": {"kind": "false_alarms", "share": 0.4}},
}
BASE = "FedAvg"


def setups(settings: dict[str, Any], rounds: int, data_dir: Path | None) -> dict[str, Setup]:
    """The same training under each defense."""
    return {
        name: resolve(Experiment(**{**SHARED, **settings, **defense, "rounds": rounds}), data_dir=data_dir)
        for name, defense in DEFENSES.items()
    }


def measure(data_dir: Path | None, *, rounds: int = 5, passes: int = 5) -> list[dict[str, Any]]:
    """A record for each model and defense: seconds a round, and times FedAvg's within each pass."""
    found: list[dict[str, Any]] = []
    for model, settings in MODELS.items():
        calls = {name: partial(simulate, setup, Nobody()) for name, setup in setups(settings, rounds, data_dir).items()}
        for call in calls.values():
            call()
        seconds = in_turns(calls, passes=passes)
        found += [
            {
                "model": model,
                "defense": name,
                "seconds_per_round": spread(own).median / rounds,
                "times_fedavg": ratios(own, seconds[BASE])._asdict(),
            }
            for name, own in seconds.items()
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    shown = Table("model", "defense", "ms per round", "times FedAvg (range)")
    for row in measure(parser.parse_args().data_dir):
        middle, low, high = row["times_fedavg"].values()
        times = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        shown.add_row(row["model"], row["defense"], f"{1000 * row['seconds_per_round']:.0f}", times)
    show(shown)


if __name__ == "__main__":
    main()
