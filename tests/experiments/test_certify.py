"""Certifying a finished run, and every reason not to."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from fedprop.aggregators import GaussianNoise
from fedprop.data import Examples
from fedprop.defenses.crfl import Certificate, radii, tally, votes
from fedprop.errors import InvalidConfig, StoreError
from fedprop.experiments.assembly import resolve
from fedprop.experiments.certify import certify
from fedprop.experiments.covered import conditions, not_covered
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from fedprop.experiments.store.tensors import write_tensors
from fedprop.rng import generator

CLIPPING = {"kind": "model_clipping", "max_norm": 0.3, "growth": 0.1}
NOISE = {"kind": "gaussian_noise", "std": 0.1, "rounds": 3}
CRFL = Experiment.model_validate(
    {
        "rounds": 3,
        "clients": 4,
        "model": "logistic_regression",
        "training": {"lr": 0.05, "batch_size": 4, "steps": 2},
        "defense": ["mean", CLIPPING, NOISE],
    }
)


def test_what_is_certified_is_what_its_parts_say(toy, tmp_path):
    against = Certificate(copies=50, attackers=2, alpha=0.1)
    parameters = run(CRFL, dataset=toy, out=tmp_path / "run").parameters
    found = certify(tmp_path / "run", against, dataset=toy)
    setup = resolve(CRFL, dataset=toy)
    made = conditions(CRFL, setup, against)
    stream = generator(against.seed, "certificate")
    counts = votes(setup.module, parameters, toy.test.x, std=0.1, copies=50, generator=stream)
    vote = tally(counts, alpha=0.05)
    assert found.made == made
    assert found.radii.tolist() == radii(vote, made, against).tolist()
    assert found.answers.tolist() == counts.argmax(dim=1).tolist()
    right = (found.answers == toy.test.y) & ~vote.abstains
    assert found.at(0.0) == float(right.double().mean()) <= found.accuracy
    middle = float(found.radii.median())
    assert 0 < found.at(middle) < found.at(0.0)
    assert found.at(float(found.radii.max()) * 1.01) == 0


def test_conditions_by_hand(toy):
    """Four clients; the noise on 6 weights is no longer than 0.1 times the root of chi2's quantile at 1 - 0.03 / 3."""
    found = conditions(CRFL, resolve(CRFL, dataset=toy), Certificate(alpha=0.06))
    longest = float((toy.train.x.square().sum(dim=1) + 1).sqrt().max())
    assert found[:4] == (0.1, 0.25, 0.05, 2)
    assert found.length == pytest.approx(longest)
    assert found.start == pytest.approx(0.3 + 0.1 * 2 + 0.1 * 16.811894**0.5)


class Louder(GaussianNoise):
    """Somebody's own noise."""


UNCOVERED = (
    ({"defense": CRFL.rule.parts[0] >> CRFL.rule.after[0] >> Louder(std=0.1, rounds=3)}, "in this order; found mean"),
    ({"defense": "mean"}, "must be mean, model_clipping, gaussian_noise, in this order; found mean"),
    ({"defense": ["mean", NOISE, CLIPPING]}, "found mean, gaussian_noise, model_clipping"),
    ({"defense": ["mean", CLIPPING]}, "found mean, model_clipping"),
    ({"defense": [{"kind": "adaptive_clipping", "f": 1}, "mean", CLIPPING, NOISE]}, "found adaptive_clipping, mean"),
    ({"defense": ["median", CLIPPING, NOISE]}, "found median, model_clipping, gaussian_noise"),
    ({"defense": [{"kind": "mean", "weighting": "examples"}, CLIPPING, NOISE]}, "the mean must be plain"),
    ({"defense": ["mean", CLIPPING, {**NOISE, "rounds": None}]}, "must have `rounds` 3.*found None"),
    ({"defense": ["mean", CLIPPING, {**NOISE, "rounds": 2}]}, "must have `rounds` 3.*found 2"),
    ({"attack": [{"kind": "sign_flip", "share": 0.25}]}, "`attack` must be none.*found sign_flip"),
    ({"defense_from": 1}, "`defense_from` must be 0.*found 1"),
    ({"optimizer": {"kind": "fedavg", "lr": 0.5}}, "`optimizer` must be fedavg with `lr` 1"),
    ({"optimizer": {"kind": "fedavgm", "momentum": 0.9}}, "`optimizer` must be fedavg with `lr` 1"),
    ({"policy": {"kind": "fedbuff", "concurrency": 2, "buffer": 2}}, "`policy` must be synchronous"),
    ({"policy": {"kind": "synchronous", "cohort": 2, "deadline": 9}}, "`policy` must be synchronous"),
    ({"training.optimizer": "adam"}, "`training.optimizer` must be sgd"),
    ({"training.momentum": 0.9}, "`training.momentum` must be 0.0"),
    ({"training.weight_decay": 0.1}, "`training.weight_decay` must be 0.0"),
    ({"training.proximal": 0.1}, "`training.proximal` must be 0.0"),
    ({"training.clip_norm": 1.0}, "`training.clip_norm` must be None"),
    ({"training.privacy": {"noise_multiplier": 1.0}}, "`training.privacy` must be None"),
)


def test_what_the_theory_does_not_cover_is_refused(toy):
    setup = resolve(CRFL, dataset=toy)
    assert not [*not_covered(CRFL, setup)]
    for changes, told in UNCOVERED:
        reasons = "\n".join(not_covered(CRFL.but(**changes), setup))
        assert re.search(told, reasons), (changes, reasons)
    deep = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    frozen = nn.Linear(2, 2)
    frozen.bias.requires_grad_(False)
    for module, told in ((deep, "found Linear, ReLU, Linear"), (frozen, "found Linear")):
        assert told in "\n".join(not_covered(CRFL, replace(setup, module=module)))


def test_runs_that_are_not_what_they_seem_are_refused(toy, tmp_path):
    folder = tmp_path / "run"
    run(CRFL, dataset=toy, out=folder)
    for against, told in ((Certificate(attackers=5), "`attackers`.*at most 4"), (Certificate(rounds=4), "at most 3")):
        with pytest.raises(InvalidConfig, match=told):
            certify(folder, against, dataset=toy)
    with pytest.raises(StoreError, match="the data are other ones"):
        certify(folder, dataset=replace(toy, test=Examples(toy.test.x + 1, toy.test.y)))
    model = folder / "model.safetensors"
    model.rename(folder / "kept")
    with pytest.raises(StoreError, match=r"model\.safetensors cannot be read"):
        certify(folder, dataset=toy)
    write_tensors(model, {"weight": torch.zeros(2, 2)})
    with pytest.raises(StoreError, match="is not the model of the run"):
        certify(folder, dataset=toy)
    summary = RunStore(folder).mapping("summary")
    RunStore(folder).put(summary={**summary, "failed_rounds": 1})
    with pytest.raises(InvalidConfig, match="none failed; found 3, of which 1 failed"):
        certify(folder, dataset=toy)
    RunStore(folder).put(summary=None)
    with pytest.raises(StoreError, match="no finished run"):
        certify(folder, dataset=toy)
    steep = tmp_path / "steep"
    run(CRFL.but(**{"training.lr": 1.0}), dataset=toy, out=steep)
    with pytest.raises(InvalidConfig, match=r"`training.lr` must be at most 4 / length\^2 = 0\.\d+ .*found 1"):
        certify(steep, dataset=toy)
