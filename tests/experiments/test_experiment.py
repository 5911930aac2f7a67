import re
from typing import Any

import pytest
import torch
from pydantic import BaseModel, ValidationError
from torch import nn

from fedprop.aggregators import Krum, Mean, Pipeline
from fedprop.attacks import Attack, FangKrum, Gaussian, NoAttack
from fedprop.data import Dataset, DatasetSpec
from fedprop.errors import DataUnavailable, InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment, load_experiment
from fedprop.experiments.runner import run
from fedprop.models import ModelSpec
from fedprop.simulation.policies import FedBuff

LEAST = {"rounds": 1, "clients": 10}
DIGITS = {**LEAST, "data": "digits", "model": "logistic_regression"}


def toy(n=20, d=3, classes=2):
    x, y = torch.randn(n, d), torch.arange(n) % classes
    return Dataset.from_arrays("toy", x, y, x, y, classes=classes)


def mistake(**settings):
    with pytest.raises(ValidationError) as caught:
        Experiment(**{**LEAST, **settings})
    return caught.value.errors()[0]["msg"].removeprefix("Value error, ")


def test_defaults_are_the_plainest_experiment():
    plain = Experiment(**LEAST)
    assert plain.defense == Mean()
    assert plain.attack == (NoAttack(),)
    assert plain.policy.kind == "synchronous"
    assert plain.seed == 0
    assert not plain.asynchronous
    assert Experiment(**LEAST, policy=FedBuff(concurrency=2, buffer=2)).asynchronous


def test_parts_are_given_by_kind_by_mapping_or_as_objects():
    assert Experiment(**LEAST, defense="median") == Experiment(**LEAST, defense={"kind": "median"})
    assert Experiment(**LEAST, defense={"kind": "krum", "f": 2}).defense == Krum(f=2)
    assert Experiment(**LEAST, attack=Gaussian()).attack == (Gaussian(),)
    chain = Experiment(**LEAST, defense=[{"kind": "nearest_neighbour_mixing", "f": 1}, "mean"])
    assert isinstance(chain.defense, Pipeline)


def test_plain_data_describes_it_completely():
    experiment = Experiment(
        **DIGITS,
        defense=[{"kind": "nearest_neighbour_mixing", "f": 1}, {"kind": "trimmed_mean", "f": 1}],
        attack=[{"kind": "fang_krum", "share": 0.2}, {"kind": "label_flip", "share": 0.1}],
        policy={"kind": "fedbuff", "concurrency": 4, "buffer": 3, "timeout": 5},
        compute={"time": {"kind": "pareto", "minimum": 1, "alpha": 2}},
        optimizer={"kind": "fedadam"},
    )
    assert Experiment.model_validate(experiment.model_dump(mode="json")) == experiment
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


def test_it_is_frozen_and_knows_no_other_setting():
    with pytest.raises(ValidationError, match="frozen"):
        Experiment(**LEAST).rounds = 3
    assert "Extra inputs" in mistake(rond=3)


@pytest.mark.parametrize(
    "settings",
    [
        {"rounds": 0},
        {"clients": 0},
        {"seed": -1},
        {"seed": 2**63},
        {"name": ""},
        {"name": "../elsewhere"},
        {"name": "two\nlines"},
        {"max_seconds": 0},
        {"max_seconds": float("inf")},
        {"aggregation_seconds": -1},
        {"evaluate_every": 0},
        {"checkpoint_every": -1},
        {"policy": {"kind": "synchronous", "cohort": 3, "over_selection": float("inf")}},
    ],
    ids=str,
)
def test_numbers_and_names_have_bounds(settings):
    assert mistake(**settings)


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        ({"kind": "synchronous", "cohort": 11}, "cohort"),
        ({"kind": "fedbuff", "concurrency": 11, "buffer": 1}, "concurrency"),
        ({"kind": "fedasync", "concurrency": 11}, "concurrency"),
    ],
)
def test_no_more_clients_at_work_than_there_are(policy, name):
    assert mistake(policy=policy) == f"`policy.{name}` must be at most the number of clients, 10; found 11"


@pytest.mark.parametrize(
    ("policy", "rows", "setting"),
    [
        ({"kind": "synchronous", "cohort": 8}, 8, "policy.cohort"),
        ({"kind": "synchronous", "cohort": 8, "deadline": 3}, 8, "policy.cohort"),
        ({"kind": "synchronous", "deadline": 3, "min_updates": 1}, 1, "policy.min_updates"),
        ({"kind": "synchronous", "deadline": 3, "min_updates": 7}, 7, "policy.min_updates"),
        ({"kind": "fedbuff", "concurrency": 10, "buffer": 5}, 5, "policy.buffer"),
        ({"kind": "fedasync", "concurrency": 10}, 1, "policy.kind"),
    ],
)
def test_the_rule_must_tolerate_the_smallest_batch(policy, rows, setting):
    assert mistake(policy=policy, defense={"kind": "krum", "f": 3}) == (
        f"`defense`: Krum needs n >= 2f + 3, and the policy may aggregate as few as {rows} updates "
        f"(see `{setting}`); found n={rows}, f=3"
    )


def test_the_rule_must_tolerate_all_clients_where_all_take_part():
    assert "(see `clients`); found n=10, f=5" in mistake(defense={"kind": "trimmed_mean", "f": 5})
    assert Experiment(**LEAST, defense={"kind": "trimmed_mean", "f": 4})
    assert Experiment(**LEAST, defense={"kind": "trimmed_mean", "f": 4}, policy={"kind": "synchronous", "deadline": 3})


@pytest.mark.parametrize(
    ("cause", "settings"),
    [
        ("network.loss", {"network": {"loss": 0.1}}),
        ("faults.dropout", {"faults": {"dropout": 0.1}}),
        ("faults.outages", {"faults": {"outages": {"up": 1, "down": 1}}}),
    ],
)
@pytest.mark.parametrize(
    ("limit", "policy"),
    [
        ("deadline", {"kind": "synchronous"}),
        ("timeout", {"kind": "fedbuff", "concurrency": 2, "buffer": 2}),
        ("timeout", {"kind": "fedasync", "concurrency": 2}),
    ],
)
def test_silent_failures_need_a_limit_to_the_servers_patience(cause, settings, limit, policy):
    assert mistake(**settings, policy=policy) == (
        f"`policy.{limit}` must be set where clients can fail silently; found null with {cause}"
    )
    assert Experiment(**LEAST, **settings, policy={**policy, limit: 3.0})


LOCAL = {"training": {"privacy": {"noise_multiplier": 1.0}}}
BUFFERED = {"policy": {"kind": "fedbuff", "concurrency": 3, "buffer": 2}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (LOCAL, "`central_privacy` and `training.privacy` protect different things and must not be mixed; found both"),
        (BUFFERED, "`central_privacy` needs `policy.kind` synchronous; found fedbuff"),
        ({"defense": "median"}, "so `defense` must be mean; found Median"),
        (
            {"optimizer": {"kind": "fednova"}},
            "must not be scaled by what clients claim, as `optimizer` does; found FedNova",
        ),
    ],
)
def test_central_privacy_is_a_mean_in_rounds(settings, message):
    with pytest.raises(ValidationError, match=message):
        Experiment(**LEAST, central_privacy={"clip_norm": 1.0, "noise_multiplier": 1.0}, **settings)


def test_a_target_without_rounds_needs_a_number_of_tasks():
    privacy = {"target_epsilon": 1.0}
    with pytest.raises(ValidationError, match=r"`training\.privacy\.tasks` must be set where no rounds limit"):
        Experiment(**LEAST, training={"privacy": privacy}, **BUFFERED)
    assert Experiment(**LEAST, training={"privacy": {**privacy, "tasks": 3}}, **BUFFERED)


def test_central_noise_would_spoil_buffers():
    settings = {"central_privacy": {"clip_norm": 1.0, "noise_multiplier": 1.0}}
    module = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10))
    with pytest.raises(InvalidConfig, match=r"a model without buffers, .* GroupNorm .*; found '1\.running_mean'"):
        resolve(Experiment(**DIGITS, **settings), model=module)


def test_a_file_with_changes(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("rounds: 3\nclients: 10\ndefense: {kind: krum, f: 1}\nattack: [{kind: none}, {kind: gaussian}]")
    changes = ["defense.f=2", "training.lr=1e-3", "attack.1.share=0.4", "name=mine"]
    experiment = load_experiment(file, changes)
    assert experiment.defense == Krum(f=2)
    assert experiment.training.lr == 1e-3
    assert experiment.attack[1].share == 0.4
    assert experiment.name == "mine"
    with pytest.raises(InvalidConfig, match=r"a.yaml: `training.lr`: .*greater than 0; found -1"):
        load_experiment(file, ["training.lr=-1"])


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


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        ({"kind": "gaussian", "share": 0.01}, "`attack.share` must come to at least one of 10 clients for Gaussian"),
        ([Gaussian(share=0.6), FangKrum(share=0.6)], "leave somebody honest; found 1.2, which makes 10 of 10 clients"),
    ],
)
def test_attacks_that_hold_nobody_or_everybody_are_refused(attack, message):
    assert message in mistake(attack=attack)


def test_a_defense_that_never_begins_is_refused():
    assert "`defense_from` must be below `rounds`, 1, or the defense never begins; found 1" in mistake(defense_from=1)


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
        ({"data": OwnData(loaded=broken)}, {}, r"`data`: OwnData failed to load: LookupError: lost \(test_experiment"),
        ({}, {"dataset": (1, 2)}, "`data` must be a Dataset, .*; found tuple"),
        ({"model": OwnModel(built=nothing)}, {}, "`model` must be an nn.Module, .*; found NoneType"),
        ({"model": OwnModel(built=broken)}, {}, r"`model`: OwnModel failed to build: LookupError: lost \(test_exp"),
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


# Changed and unchecked experiments

PLAIN = Experiment(**DIGITS, training={"epochs": 2})


def test_a_changed_copy_is_checked_as_a_file_is():
    krum, attack = {"kind": "krum", "f": 2}, Gaussian(share=0.3)
    changed = PLAIN.but(seed=3, defense=krum, **{"training.lr": 0.3, "attack.0": attack})
    assert changed == Experiment(**DIGITS, seed=3, defense=krum, training={"epochs": 2, "lr": 0.3}, attack=attack)
    assert PLAIN.but(attack="sign_flip").attack[0].kind == "sign_flip"
    with pytest.raises(InvalidConfig) as caught:
        PLAIN.but(defence=Krum(f=2), rounds=True, **{"training.steps": 3, "policy.kohort": 4, "attack.0.shar": 0.3})
    assert str(caught.value).splitlines() == [
        "`training`: give `steps` or `epochs`, not both; found steps=3, epochs=2",
        "`attack.0.shar`: there is no such setting; found 0.3; did you mean share?",
        "`policy.kohort`: there is no such setting; found 4; did you mean cohort?",
        "`rounds`: Input should be a number, not true or false; found True",
        "`defence`: there is no such setting; found Krum(kind='krum', f=2, m=1); did you mean defense?",
    ]


UNSOUND = {
    "a misspelt name": (BaseModel.model_copy(PLAIN, update={"defence": Krum(f=2)}), "did you mean defense?"),
    "a wrong value": (
        BaseModel.model_copy(PLAIN, update={"seed": -1}),
        "`seed`: Input should be greater",
    ),
    "nothing": (Experiment.model_construct(), "`rounds` is required"),
    "an unsound rule": (
        Experiment(**DIGITS, defense=Krum.model_construct(f=-1)),
        "`defense.f`: Input should be greater",
    ),
    "a mapping": (
        DIGITS,
        "`experiment` must be an object of class Experiment, which `load_experiment` reads",
    ),
}


@pytest.mark.parametrize("start", [run, resolve])
@pytest.mark.parametrize("name", UNSOUND)
def test_nothing_runs_that_was_not_checked(name, start):
    experiment, message = UNSOUND[name]
    with pytest.raises(InvalidConfig, match=re.escape(message)):
        start(experiment)


def test_plain_data_in_an_unchecked_copy_is_understood():
    raw = BaseModel.model_copy(PLAIN, update={"defense": {"kind": "krum", "f": 2}, "attack": Gaussian()})
    setup = resolve(raw)
    assert setup.rule == Krum(f=2)
    assert setup.attacks[0][0] == Gaussian()


def test_all_that_does_not_fit_together_is_told_even_beside_other_mistakes():
    settings = {
        **LEAST,
        "rounds": 0,
        "policy": {"kind": "fedbuff", "concurrency": 11, "buffer": 3},
        "faults": {"dropout": 0.1},
        "attack": [{"kind": "gaussian", "share": 0.6}, {"kind": "sign_flip", "share": 0.6}],
    }
    with pytest.raises(ValidationError) as caught:
        Experiment(**settings)
    assert [problem["msg"] for problem in caught.value.errors()] == [
        "Input should be greater than 0",
        "`policy.concurrency` must be at most the number of clients, 10; found 11",
        "`policy.timeout` must be set where clients can fail silently; found null with faults.dropout",
        "`attack`: the shares must add up to less than 1 and leave somebody honest; found 1.2, "
        "which makes 10 of 10 clients compromised",
    ]


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
