"""`training.engine: ray`: the trace and the model are those of one process, to the byte, whatever dies."""

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks.on_ray import measure
from fedprop.cluster.joining import is_at_work
from fedprop.data import Dataset
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.experiments.sweep import Sweep, run_sweep
from fedprop.experiments.sweep.on_ray import on_ray
from tests.experiments.runs import experiment

BASE = {"rounds": 2, "clients": 10, "data": {"kind": "digits"}, "training": {"batch_size": 16, "epochs": 1}}
OWN = """
from typing import Literal
from torch import nn
from fedprop.models import ModelSpec

class Layers(nn.Sequential):
    pass

class Own(ModelSpec):
    kind: Literal["own"] = "own"

    def module(self, shape, classes):
        return Layers(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, classes))
"""


@pytest.fixture(autouse=True)
def joined_by_runs(cluster, ray, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)


@pytest.fixture
def toy():
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(80) % 2
    x = torch.randn(80, 2, generator=draw) + 2.0 * y[:, None]
    return Dataset.from_arrays("toy", x, y, x[:20], y[:20])


def on(engine, settings, **parts):
    training = {**settings.training.model_dump(), "engine": engine}
    return run(Experiment.model_validate({**settings.model_dump(), "training": training}), **parts)


def check(settings, kind, **parts):
    here, there = on("auto", settings, **parts), on("ray", settings, **parts)
    assert (here.engine.name, there.engine.name) == (kind, f"{kind} on ray")
    assert there.trace_sha256 == here.trace_sha256
    assert there.parameters.numpy().tobytes() == here.parameters.numpy().tobytes()


def test_stacks_trained_asynchronously_with_every_fault_there_is(toy):
    check(experiment("fedbuff"), "vectorized", dataset=toy)


def test_private_clients_beside_attackers_who_are_not():
    privacy = {"noise_multiplier": 1.0, "clip_norm": 1.0, "delta": 0.001, "clients": "honest"}
    training = {**BASE["training"], "privacy": privacy}
    attack = {"kind": "label_flip", "share": 0.2}
    settings = {**BASE, "training": training, "attack": attack, "model": "logistic_regression"}
    check(Experiment.model_validate(settings), "vectorized")


def test_a_model_that_only_a_file_knows_and_that_draws(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    settings = {**BASE, "model": {"kind": f"{tmp_path / 'own.py'}:Own"}}
    check(Experiment.model_validate(settings), "workers")


class Deadly(nn.Module):
    """Kills the first actor that trains it."""

    def __init__(self, mark):
        super().__init__()
        self.layer = nn.Linear(64, 10)
        self.mark = mark

    def forward(self, x):
        if is_at_work() and not Path(self.mark).exists():
            Path(self.mark).touch()
            os.kill(os.getpid(), 9)
        return self.layer(x.flatten(1))


def test_an_actor_killed_in_mid_round_changes_nothing(tmp_path):
    torch.manual_seed(0)
    mark = tmp_path / "died"
    check(Experiment.model_validate(BASE), "vectorized", model=Deadly(str(mark)))
    assert mark.exists()


def test_cells_that_run_on_ray_themselves_are_refused_another_cluster(cluster, tmp_path):
    base = {**BASE, "model": "logistic_regression", "training": {"engine": "ray"}}
    rules = {"Mean": {}, "Median": {"defense": {"kind": "median"}, "training.engine": "auto"}}
    results = run_sweep(Sweep(base=base, axes={"rule": rules}), tmp_path, pool=on_ray(cluster.address))
    assert "must not be sent to a Ray cluster by what runs there itself" in results[0].failure
    assert results[1].failure == ""


def test_what_the_benchmark_compares_is_the_same_run():
    sizes = {"rounds": 2, "clients": 2, "model": "logistic_regression"}
    (here, trace), (there, trace_there) = measure(0, **sizes), measure(2, **sizes)
    assert (len(here), len(there)) == (2, 2)
    assert trace == trace_there
