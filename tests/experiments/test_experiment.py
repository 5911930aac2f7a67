import re

import pytest
from pydantic import BaseModel, ValidationError

from fedprop.aggregators import Krum, Mean, Pipeline
from fedprop.attacks import FangKrum, Gaussian, NoAttack
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment, load_experiment
from fedprop.experiments.runner import run
from fedprop.simulation.policies import FedBuff

LEAST = {"rounds": 1, "clients": 10}


DIGITS = {**LEAST, "data": "digits", "model": "logistic_regression"}


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


def test_a_file_with_changes(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("rounds: 3\nclients: 10\ndefense: {kind: krum, f: 1}\nattack: [{kind: none}, {kind: gaussian}]")
    changes = ["defense.f=2", "training.lr=1e-3", "attack.1.share=0.4", "name=mine"]
    experiment = load_experiment(file, changes)
    assert experiment.defense == Krum(f=2)
    assert experiment.training.lr == 1e-3
    assert experiment.attack[1].share == 0.4
    assert experiment.name == "mine"
    with pytest.raises(InvalidConfig, match=r"a.yaml: `training.lr` must be greater than 0; found -1"):
        load_experiment(file, ["training.lr=-1"])


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        ({"kind": "gaussian", "share": 0.01}, "`attack.share` must come to at least one of 10 clients for Gaussian"),
        ([Gaussian(share=0.6), FangKrum(share=0.6)], "leave somebody honest; found 1.2, which makes 10 of 10 clients"),
    ],
)
def test_attacks_that_hold_nobody_or_everybody_are_refused(attack, message):
    assert message in mistake(attack=attack)


# Changed and unchecked experiments


def test_a_defense_that_never_begins_is_refused():
    assert "`defense_from` must be below `rounds`, 1, or the defense never begins; found 1" in mistake(defense_from=1)


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
        "`rounds` must be a number, not true or false; found True",
        "`defence`: there is no such setting; found Krum(kind='krum', f=2, m=1); did you mean defense?",
    ]


UNSOUND = {
    "a misspelt name": (BaseModel.model_copy(PLAIN, update={"defence": Krum(f=2)}), "did you mean defense?"),
    "a wrong value": (
        BaseModel.model_copy(PLAIN, update={"seed": -1}),
        "`seed` must be greater",
    ),
    "nothing": (Experiment.model_construct(), "`rounds` is required"),
    "an unsound rule": (
        Experiment(**DIGITS, defense=Krum.model_construct(f=-1)),
        "`defense.f` must be greater",
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
