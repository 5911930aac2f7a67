"""Numbers on rounds and answers small enough to count on one's fingers."""

from dataclasses import replace
from typing import ClassVar, Literal

import pytest
import torch

from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from fedprop.experiments.tally import Tally
from fedprop.metrics import (
    METRICS,
    Aimed,
    AttackersExcluded,
    AttackSuccessRate,
    BestAccuracy,
    Epsilon,
    Exam,
    HonestExcluded,
    LabelDiversity,
    LoadDiversity,
    Number,
    Reading,
    RemovalSuccessRate,
    TestError,
    TestLoss,
    pooled,
    standing,
)
from fedprop.simulation.events import RoundRecord
from fedprop.simulation.records import from_text, to_text

ROUND = RoundRecord(0, 1, 1.0, 0.1, accepted=4, rejected=0)
BASE = {
    "rounds": 3,
    "clients": 5,
    "data": {"kind": "digits", "train_size": 200},
    "model": {"kind": "logistic_regression"},
    "training": {"lr": 0.1, "batch_size": 16},
}


def said(*answers, classes=3):
    return 5.0 * torch.nn.functional.one_hot(torch.tensor(answers), classes).float()


def exam(**aims):
    found = {int(place[1:]): Aimed(said(*answers), torch.tensor(wanted)) for place, (answers, wanted) in aims.items()}
    return Exam(said(0), torch.tensor([0]), 3, dict, found.copy)


def test_the_attack_success_rate_is_the_share_of_inputs_that_get_the_label_wanted():
    """Two of three of the one attack's inputs, none of the other's two: two of five."""
    rate = AttackSuccessRate()
    assert rate.measure(exam(_0=([1, 1, 2], [1, 1, 1]))) == Reading(2 / 3)
    assert rate.measure(exam(_0=([1, 1, 2], [1, 1, 1]), _3=([0, 1], [2, 2]))) == Reading(2 / 5, {0: 2 / 3, 3: 0.0})
    assert not rate.applies(exam())


def test_an_update_is_excluded_below_half_of_its_even_share():
    """Of six updates each would weigh 1/6: 0.09 is enough and 0.08 is not, nor is 0, and a negative weight is none."""
    weights = {0: 0.5, 1: 0.09, 2: 0.08, 3: 0.33, 4: 0.0, 5: 0.0}
    record = replace(ROUND, weights=weights)
    assert AttackersExcluded().read(record, {3, 4}) == Reading(0.5, cases=2)
    assert HonestExcluded().read(record, {3, 4}) == Reading(0.5, cases=4)
    assert HonestExcluded().read(record, ()) == Reading(0.5, cases=6)
    assert AttackersExcluded().read(record, {9}) is None
    assert AttackersExcluded().read(replace(record, failure="too few"), {3, 4}) is None
    assert HonestExcluded().read(replace(ROUND, weights={0: 1.5, 1: -0.5}), ()) == Reading(0.5, cases=2)


def test_rounds_with_more_updates_count_for_more():
    """One of two and then none of six: one of eight."""
    rounds = [replace(ROUND, weights={0: 1.0, 1: 0.0}), replace(ROUND, weights=dict.fromkeys(range(6), 1 / 6))]
    assert Tally(rounds, [HonestExcluded()]).readings == {"honest_excluded": Reading(1 / 8, cases=8)}


def test_numbers_of_a_run_follow_from_those_of_its_rounds():
    rounds = [
        replace(ROUND, accuracy=0.5, loss=1.0, epsilon={0: 1.0, 3: 2.0}),
        replace(ROUND, accuracy=0.75, loss=float("nan"), failure="too few updates"),
        replace(ROUND, accuracy=0.25, loss=float("inf"), epsilon={0: 1.5}),
        ROUND,
    ]
    found = Tally(rounds, [TestError(), TestLoss(), BestAccuracy(), Epsilon()]).readings
    assert found == {
        "test_error": Reading(0.75),
        "test_loss": Reading(why="it is inf"),
        "best_accuracy": Reading(0.5),
        "epsilon": Reading(2.0),
    }


def test_a_reading_takes_no_more_text_than_its_number():
    full = {"a": Reading(0.5), "b": Reading(why="x"), "c": Reading(0.5, {3: 1.0, 4: None}), "d": Reading(0.0, cases=7)}
    record = replace(ROUND, numbers=full)
    assert from_text(to_text(record)) == record
    assert '"a":0.5,"b":{"why":"x"},"c":{"value":0.5,"parts":{"3":1.0,"4":null}}' in to_text(record)
    for wrong in ('"0.5"', "true", "{}", '{"value": 0.5, "parts": {"x": 1}}'):
        with pytest.raises(ValueError, match="RoundRecord"):
            from_text(to_text(record).replace('"a":0.5', f'"a":{wrong}'))


def test_every_number_has_a_name_and_shows_what_it_reads():
    for kind, cls in METRICS.kinds.items():
        number = cls.model_validate({"kind": kind})
        assert number.name
        assert number.show(Reading(0.25)).startswith("0.2500")
        assert number.show(Reading(why="nobody knows")) == "– (nobody knows)"
    assert {number.kind for number in standing()} == {kind for kind, cls in METRICS.kinds.items() if cls.standing}


class Quiet(Number):
    """A number of one's own that is not of the model: how many clients each round did without."""

    label: ClassVar[str] = "clients not heard"
    of_model: ClassVar[bool] = False

    kind: Literal["quiet"] = "quiet"

    def read(self, record, compromised):
        return Reading(1.0 - len(record.heard) / 5, cases=5)

    def then(self, earlier, later):
        return pooled(earlier, later)

    def show(self, reading):
        return f"{reading.value:.0%} of {reading.cases}"


def test_a_number_of_ones_own_is_told_like_any_other(tmp_path):
    run(Experiment(**BASE, policy={"kind": "synchronous", "cohort": 2}, metrics=[Quiet()]), out=tmp_path)
    told = RunStore(tmp_path).meta("summary")["numbers"]["quiet"]
    assert told.pop("place").endswith("test_numbers:Quiet")
    assert told == {"label": "clients not heard", "value": pytest.approx(0.6), "text": "60% of 15"}


def test_what_is_told_anyway_is_not_to_be_asked_for():
    with pytest.raises(ValueError, match="`metrics` must name what is not measured anyway; found test_error"):
        Experiment(**BASE, metrics=["f1", "test_error"])


def test_krum_leaves_out_all_updates_but_one(tmp_path):
    run(Experiment(**BASE, defense={"kind": "krum", "f": 1}, attack={"kind": "sign_flip", "share": 0.2}), out=tmp_path)
    numbers = RunStore(tmp_path).meta("summary")["numbers"]
    assert numbers["attackers_excluded"]["value"] == 1.0
    assert numbers["honest_excluded"]["value"] == 0.75


def test_diversities_are_those_of_each_class_and_their_mean():
    """Two clients: of class 0 they hold 1 and 3, of class 1 the second alone holds 4, of class 2 nobody has any."""
    counts = torch.tensor([[1, 0, 0], [3, 4, 0]])
    assert LoadDiversity().of(counts) == Reading(1.0, {0: 1.0, 1: 2.0, 2: 0.0})
    assert LabelDiversity().of(counts) == Reading(0.5 / 3, {0: 0.0, 1: 0.5, 2: 0.0})
    told = LoadDiversity().show(LoadDiversity().of(counts))
    assert told == "1.0000, lowest 0.0000 (class 2), highest 2.0000 (class 1)"
    assert LabelDiversity().show(LabelDiversity().of(torch.ones(3, 2))) == "0.0000 in every class"


def test_diversities_are_of_what_was_dealt_whatever_attackers_make_of_it(tmp_path):
    """Label flipping changes what the attackers hold, and a text has no classes."""
    found = []
    skewed = {**BASE, "rounds": 1, "partition": {"kind": "label_skew", "k": 4}}
    for name, attack in (("plain", None), ("flipped", {"kind": "label_flip", "share": 0.2})):
        run(Experiment(**skewed, attack=attack), out=tmp_path / name)
        summary = RunStore(tmp_path / name).meta("summary")
        found.append({kind: summary["numbers"][kind] for kind in ("load_diversity", "label_diversity")})
        assert summary["partition"] == "label_skew k=4"
    assert found[0] == found[1]
    assert 0.4 <= found[0]["label_diversity"]["value"] <= 0.5
    text = {"data": {"kind": "markov_text", "train_size": 40}, "model": {"kind": "window_lm"}, "task": "next_token"}
    run(Experiment(**{**BASE, **text, "rounds": 1}), out=tmp_path / "text")
    assert "load_diversity" not in RunStore(tmp_path / "text").meta("summary")["numbers"]


def test_where_nobody_is_compromised_a_removal_rate_that_was_asked_for_says_so():
    outcome = run(Experiment.model_validate({**BASE, "metrics": ["removal_success_rate"]}))
    told = Tally(outcome.rounds, [RemovalSuccessRate()]).readings["removal_success_rate"]
    assert (told.value, told.why) == (None, "nobody is compromised")


def test_a_share_that_is_not_known_leaves_a_known_one_as_it_is():
    unknown, known = Reading(why="nobody"), Reading(0.25, cases=4)
    assert pooled(unknown, known) == pooled(known, unknown) == known
    assert pooled(unknown, Reading(why="later")) == unknown
