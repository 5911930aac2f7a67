from typing import Any

import pytest
import torch
from torch import nn

from fedprop.attacks import Attack, Gaussian
from fedprop.data import Dataset, DatasetSpec
from fedprop.errors import DataUnavailable, InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.models import ModelSpec

LEAST = {"rounds": 1, "clients": 10}
DIGITS = {**LEAST, "data": "digits", "model": "logistic_regression"}


def toy(n=20, d=3, classes=2):
    x, y = torch.randn(n, d), torch.arange(n) % classes
    return Dataset.from_arrays("toy", x, y, x, y, classes=classes)


def test_central_noise_would_spoil_buffers():
    settings = {"central_privacy": {"clip_norm": 1.0, "noise_multiplier": 1.0}}
    module = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10))
    with pytest.raises(InvalidConfig, match=r"a model without buffers, .* GroupNorm .*; found '1\.running_mean'"):
        resolve(Experiment(**DIGITS, **settings), model=module)


def test_a_guard_must_have_a_variance_to_guard():
    with pytest.raises(InvalidConfig, match=r"`variance_guard` needs a model with running variances, .* found none"):
        resolve(Experiment(**DIGITS, variance_guard=True))


def test_resolving_deals_out_data_and_attackers():
    setup = resolve(Experiment(**DIGITS, attack={"kind": "gaussian", "share": 0.3}))
    assert len(setup.compromised) == 3
    assert sum(map(len, setup.shards.parts)) == len(setup.dataset.train)
    assert setup.max_seconds == float("inf")
    assert setup.device == torch.device("cpu")


def test_compromised_clients_are_a_matter_of_the_seed():
    held = [
        resolve(Experiment(**DIGITS, seed=seed, attack=Gaussian(share=0.3)), dataset=toy()) for seed in (0, 0, 1, 2)
    ]
    groups = [setup.compromised for setup in held]
    assert groups[0] == groups[1]
    assert len(set(groups)) > 1


class Shrinking(Attack):
    """Leaves its clients a single example."""

    kind: str = "shrinking"

    def poison(self, x, y, classes, generator):
        return x[:1], torch.randint(classes, (1,), generator=generator)


def test_poisoned_data_may_have_another_size():
    plain, data = Experiment(**DIGITS), toy()
    honest = resolve(plain, dataset=data)
    setup = resolve(plain.but(attack=Shrinking(share=0.2)), dataset=data)
    sizes = [setup.shards.count(client) for client in range(10)]
    assert sorted(sizes) == [1, 1] + [2] * 8
    for client in set(range(10)) - setup.compromised:
        assert setup.shards.parts[client].equal(honest.shards.parts[client])


def test_own_data_and_module_take_the_place_of_named_ones():
    module = nn.Linear(3, 2)
    setup = resolve(Experiment(**DIGITS), dataset=toy(), model=module)
    assert setup.dataset.name == "toy"
    assert setup.module is not module
    assert setup.module.weight.equal(module.weight)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("data", "`data` is required unless a dataset is passed to `run`"),
        ("model", "`model` is required unless a module is passed to `run`"),
    ],
)
def test_what_is_missing_is_named(missing, sentence):
    settings = {key: value for key, value in DIGITS.items() if key != missing}
    with pytest.raises(InvalidConfig, match=sentence):
        resolve(Experiment(**settings))


class OwnData(DatasetSpec):
    """Loads whatever it is told to."""

    kind: str = "own_data"
    loaded: Any

    def load(self, data_dir, seed):
        return self.loaded()


class OwnModel(ModelSpec):
    """Builds whatever it is told to."""

    kind: str = "own_model"
    built: Any

    def module(self, shape, classes):
        return self.built()


def nothing():
    return None


def broken():
    raise LookupError("lost")


@pytest.mark.parametrize(
    ("settings", "arguments", "sentence"),
    [
        ({"data": OwnData(loaded=nothing)}, {}, "`data` must be a Dataset, .*; found NoneType"),
        ({"data": OwnData(loaded=broken)}, {}, r"`data`: OwnData failed to load: LookupError: lost \(test_assembly"),
        ({}, {"dataset": (1, 2)}, "`data` must be a Dataset, .*; found tuple"),
        ({"model": OwnModel(built=nothing)}, {}, "`model` must be an nn.Module, .*; found NoneType"),
        ({"model": OwnModel(built=broken)}, {}, r"`model`: OwnModel failed to build: LookupError: lost \(test_ass"),
        ({}, {"model": nn.Linear}, "`model` must be an nn.Module, not a class or a function; found type"),
    ],
)
def test_own_data_and_models_that_are_none_are_refused(settings, arguments, sentence):
    with pytest.raises(InvalidConfig, match=sentence):
        resolve(Experiment(**{**LEAST, **settings}), **{"dataset": None if "data" in settings else toy(), **arguments})


@pytest.mark.parametrize("module", [nn.Linear(4, 2), nn.Linear(3, 5)], ids=["inputs", "outputs"])
def test_a_model_that_does_not_fit_the_data_is_refused(module):
    with pytest.raises(InvalidConfig, match=r"`model`: Linear must (accept inputs|give logits) of shape"):
        resolve(Experiment(**LEAST), dataset=toy(), model=module)


def test_a_model_that_cannot_train_as_asked_is_refused():
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    with pytest.raises(InvalidConfig, match="`engine` must not be vectorized"):
        resolve(Experiment(**LEAST, training={"engine": "vectorized"}), dataset=toy(), model=module)


def test_an_inference_on_nobody_is_refused():
    with pytest.raises(InvalidConfig, match=r"`inference.client` must be a client's id, below 10; found 10"):
        resolve(
            Experiment(**LEAST, inference={"kind": "membership", "client": 10}), dataset=toy(), model=nn.Linear(3, 2)
        )


def test_more_clients_than_examples_are_refused():
    with pytest.raises(InvalidConfig, match="`clients` must lie between 1 and the number of examples, 5"):
        resolve(Experiment(**LEAST), dataset=toy(n=5), model=nn.Linear(3, 2))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(DataUnavailable, match="train-images"):
        resolve(Experiment(**LEAST, data="mnist", model="logistic_regression"), data_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("abacus", "`device` must name a torch device such as cpu or cuda; found 'abacus'"),
        ("meta", "`device` must be available on this machine; torch cannot use 'meta' here"),
        ("cuda:99", "`device` must be available on this machine; torch cannot use 'cuda:99' here"),
    ],
)
def test_a_device_must_exist(name, sentence):
    with pytest.raises(InvalidConfig, match=sentence):
        resolve(Experiment(**LEAST, device=name), dataset=toy(), model=nn.Linear(3, 2))


def test_attacks_hold_the_first_clients_where_told_to():
    attacks = ({"kind": "sign_flip", "share": 0.2}, {"kind": "gaussian", "share": 0.1})
    settings = {"clients": 10, "rounds": 1, "data": "digits", "model": "logistic_regression", "attack": attacks}
    first = resolve(Experiment(**settings, compromised="first"))
    assert [held for _, held in first.attacks] == [{0, 1}, {2}]
    drawn = [resolve(Experiment(**settings, seed=seed)).compromised for seed in range(5)]
    assert len(set(drawn)) > 1


class Squeezing(nn.Linear):
    """Forgets the dimension of a batch that holds one example."""

    def forward(self, x):
        return super().forward(x).squeeze()


@pytest.mark.parametrize(
    ("settings", "test"),
    [
        ({}, 1),
        ({}, 257),
        ({"attack": {"kind": "targeted", "share": 0.2, "inputs": 1}}, 40),
        ({"defense": "siren_plus", "root": {"size": 10}}, 40),
    ],
    ids=["test set", "last batch", "aims", "held out"],
)
def test_a_model_is_tried_on_the_smallest_batch_that_will_be_evaluated(settings, test):
    x = torch.randn(297, 3, generator=torch.Generator().manual_seed(0))
    data = Dataset.from_arrays("mine", x[:40], torch.arange(40) % 2, x[-test:], torch.arange(test) % 2, classes=2)
    settings = {**LEAST, "clients": 5, "partition": "iid", **settings}
    with pytest.raises(
        InvalidConfig, match=r"^`model`: Squeezing must give logits of shape \[1, 2\].*; found .* of shape \[2\]"
    ):
        resolve(Experiment(**settings), dataset=data, model=Squeezing(3, 2))
