"""What a defense adds to a round of training: the same run under each, as times of plain averaging, in CPU time.

`python -m benchmarks.defenses --data-dir DIR` prints a table; `measure()` gives its rows. Guo et al. (2024, section
5.8) ask this of SIREN+: its clients test two models before they train, and after an alarm its server tests all theirs.
Lu et al. (2024, Table II) ask it of HeteroFL, whose clients train on four examples more and whose server takes updates
through four steps: `--paper heterofl`.
"""

import argparse
import time
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rich import print as show
from rich.table import Table

from benchmarks.event_loop import Nobody
from benchmarks.timing import in_turns, ratios, spread
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import simulate
from fedprop.simulation.setup import Setup

BASE = "FedAvg"

Settings = Mapping[str, Any]


class Compared(NamedTuple):
    """What a paper compares: defenses by name, of which `BASE` is one, for each of some models and their data."""

    shared: Settings
    models: Mapping[str, Settings]
    defenses: Mapping[str, Settings]


TESTS_ALL = {"kind": "siren_plus", "penalty": None, "always_compare": True}
SIREN_PLUS = Compared(
    shared={"clients": 10, "data": {"kind": "mnist"}, "root": {"size": 100}},
    models={
        "perceptron, 64 hidden": {
            "model": {"kind": "mlp", "hidden": [64]},
            "training": {"lr": 0.05, "batch_size": 32, "epochs": 1},
        },
        "CNN of Table 4": {"model": "siren_dp_cnn", "training": {"lr": 0.05, "batch_size": 64, "epochs": 1}},
    },
    defenses={
        BASE: {"defense": "mean"},
        "FedAvg on nine tenths of the data": {"defense": "mean", "data": {"kind": "mnist", "train_size": 7200}},
        "Multi-Krum": {"defense": {"kind": "krum", "f": 3, "m": 5}},
        "Median": {"defense": "median"},
        "FLTrust": {"defense": "fl_trust"},
        "SIREN+, nobody alarms": {"defense": "siren_plus"},
        "SIREN+, tests everybody": {"defense": TESTS_ALL, "attack": {"kind": "false_alarms", "share": 0.4}},
    },
)

ROOT = {"size": 100}
HETEROFL = Compared(
    shared={"clients": 20},
    models={
        "MNIST, logistic regression": {
            "data": {"kind": "mnist"},
            "partition": {"kind": "dirichlet", "q": 0.2},
            "model": "logistic_regression",
            "training": {"lr": 0.5, "batch_size": 32, "epochs": 5},
        },
        "CIFAR-10, ResNet-20": {
            "data": {"kind": "cifar10", "train_size": 2000, "test_size": 100},
            "partition": {"kind": "dirichlet", "q": 0.2},
            "model": "resnet20",
            "training": {"lr": 0.1, "batch_size": 32, "epochs": 1},
        },
        "Shakespeare, LSTM": {
            "data": {"kind": "shakespeare", "speakers": 20, "length": 20, "stride": 2, "only_last": True},
            "partition": {"kind": "largest_users"},
            "model": {"kind": "char_lstm", "hidden": 64, "layers": 1, "only_last": True},
            "training": {"lr": 0.5, "batch_size": 32, "steps": 20},
        },
        # Digits for FEMNIST's letters, which come from LEAF's own scripts alone; the network is LEAF's for FEMNIST.
        "FEMNIST's CNN on MNIST": {
            "data": {"kind": "mnist", "train_size": 2000, "test_size": 100},
            "partition": {"kind": "dirichlet", "q": 0.2},
            "model": {"kind": "mcmahan_cnn", "hidden": 2048},
            "training": {"lr": 0.05, "batch_size": 32, "epochs": 1},
        },
    },
    defenses={
        BASE: {"defense": "mean"},
        "MKrum": {"defense": {"kind": "krum", "f": 4, "m": 16}},
        "Median": {"defense": "median"},
        "Zeno": {"defense": {"kind": "zeno", "b": 4, "rho": 0.001}, "root": ROOT},
        "FLTrust": {"defense": "fl_trust", "root": ROOT},
        "DnC": {"defense": {"kind": "divide_and_conquer", "f": 4}},
        "HeteroFL": {"defense": "heterofl"},
    },
)
PAPERS = {"siren_plus": SIREN_PLUS, "heterofl": HETEROFL}


def setups(compared: Compared, model: str, rounds: int, data_dir: Path | None) -> dict[str, Setup]:
    """The same training under each defense."""
    settings = {**compared.shared, **compared.models[model], "evaluate_every": 10**9, "rounds": rounds}
    return {
        name: resolve(Experiment(**{**settings, **defense}), data_dir=data_dir)
        for name, defense in compared.defenses.items()
    }


def measure(
    data_dir: Path | None,
    compared: Compared = SIREN_PLUS,
    *,
    models: Collection[str] = (),
    rounds: int = 5,
    passes: int = 5,
) -> list[dict[str, Any]]:
    """A record for each model and defense: CPU seconds a round, and times FedAvg's within each pass.

    `models` are those to measure; all if there are none.
    """
    found: list[dict[str, Any]] = []
    for model in models or compared.models:
        made = setups(compared, model, rounds, data_dir)
        calls = {name: partial(simulate, setup, Nobody()) for name, setup in made.items()}
        for call in calls.values():
            call()
        seconds = in_turns(calls, passes=passes, clock=time.process_time)
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
    parser.add_argument("--paper", choices=PAPERS, default="siren_plus")
    parser.add_argument("--model", action="append", default=[], help="One of the paper's; repeatable. Default: all.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=5)
    given = parser.parse_args()
    compared = PAPERS[given.paper]
    if unknown := set(given.model) - set(compared.models):
        parser.error(f"--model must be one of {', '.join(compared.models)}; found {', '.join(sorted(unknown))}")
    shown = Table("model", "defense", "CPU ms per round", "times FedAvg (range)")
    for row in measure(given.data_dir, compared, models=given.model, rounds=given.rounds, passes=given.passes):
        middle, low, high = row["times_fedavg"].values()
        times = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        shown.add_row(row["model"], row["defense"], f"{1000 * row['seconds_per_round']:.0f}", times)
    show(shown)


if __name__ == "__main__":
    main()
