"""Runs of eight clients on a toy data set, and what cuts them off."""

import pytest

from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore

POLICIES = {
    "synchronous": {"kind": "synchronous", "cohort": 4, "over_selection": 1.5, "deadline": 3.0},
    "fedbuff": {"kind": "fedbuff", "concurrency": 6, "buffer": 3, "timeout": 6.0, "max_staleness": 3},
    "fedasync": {"kind": "fedasync", "concurrency": 5, "timeout": 6.0},
}


def experiment(policy="synchronous", **settings):
    """Six rounds of eight clients with every fault there is."""
    defaults = {
        "rounds": 6,
        "clients": 8,
        "seed": 3,
        "model": "logistic_regression",
        "training": {"batch_size": 4, "epochs": 1},
        "policy": POLICIES[policy] if isinstance(policy, str) else policy,
        "compute": {"time": {"kind": "lognormal", "median": 1, "sigma": 1}},
        "network": {"latency": {"kind": "exponential", "mean": 0.2}, "loss": 0.05, "duplicate": 0.2},
        "faults": {"dropout": 0.1, "outages": {"up": {"kind": "exponential", "mean": 8}, "down": 2}},
        "attack": {"kind": "sign_flip", "share": 0.25},
        "optimizer": {"kind": "fedadam"},
    }
    return Experiment(**{**defaults, **settings})


class Bystander:
    def __init__(self):
        self.events, self.rounds = [], []

    def on_event(self, event):
        self.events.append(event)

    def on_round(self, record, snapshot):
        self.rounds.append(record)


class PowerCut(Exception):
    pass


class Cut(Bystander):
    """Ends the run when a round closes, before anything of it is saved."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_round(self, record, snapshot):
        if record.round == self.at:
            raise PowerCut


def content(folder):
    """What a run's folder says, real time aside."""
    store = RunStore(folder)
    summary = {key: value for key, value in store.meta("summary").items() if key != "wall_seconds"}
    rounds = [{**vars(record), "wall_seconds": 0} for record in store.rounds()]
    return summary, store.events(), rounds, store.meta("totals"), (folder / "model.safetensors").read_bytes()


PRIVATE = {"batch_size": 4, "epochs": 1, "privacy": {"target_epsilon": 2.0, "delta": 0.001}}


def cut(experiment, folder, at=2, **parts):
    with pytest.raises(PowerCut):
        run(experiment, out=folder, watchers=[Cut(at)], **parts)
