"""What a summary says of a run besides its numbers: who attacked, how much the rule bears, and what failed."""

import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, Krum, NearestNeighbourMixing
from fedprop.attacks import Attack, FalseAlarms, LabelFlip, Late, NoAttack, Replay, SignFlip, WeightAttack
from fedprop.data import Dataset
from fedprop.defenses import SirenPlus
from fedprop.errors import InvalidUpdates
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.headline import headline, marks
from fedprop.experiments.summary import spelled, summarize
from fedprop.simulation.engine import simulate


class Nobody:
    def on_event(self, event):
        pass

    def on_round(self, record, snapshot):
        pass


class Forgetful(Attack):
    """Knows no longer how it was done."""

    kind: str = "forgetful"

    def craft(self, view):
        raise LookupError("forgotten")


class Tired(Aggregator):
    """Declines when it has had enough."""

    kind: str = "tired"
    f: int = 1
    after: int

    def init(self):
        return 0

    def combine(self, cohort, state):
        if state >= self.after:
            raise InvalidUpdates("enough")
        value = cohort.updates.mean(dim=0)
        return Aggregation(value, value.new_full((len(cohort.updates),), 0.1), state + 1)


BELIEVING = {"kind": "mean", "weighting": "examples"}


def toy(clients):
    y = torch.arange(4 * clients) % 2
    x = torch.randn(len(y), 2, generator=torch.Generator().manual_seed(0)) + 2.0 * y[:, None]
    return Dataset.from_arrays("toy", x, y, x[:10], y[:10])


def summed_up(**settings):
    plan = Experiment(**{"rounds": 3, "clients": 10, "model": "logistic_regression", **settings})
    setup = resolve(plan, dataset=toy(plan.clients))
    return summarize(plan, setup, simulate(setup, Nobody()), 0, {})


def test_an_unattacked_run():
    found = summed_up(defense={"kind": "krum", "f": 2})
    assert headline(found) == "krum f=2 · no attack · synchronous · 0 failed rounds"
    assert (found["f"], found["tolerated"], found["compromised"], found["clients"]) == (2, 2, 0, 10)
    assert (found["attacks"], found["warnings"]) == ([], [])


def test_an_attacked_run_says_by_how_many_and_how_many_the_rule_tolerates():
    attacks = (NoAttack(), SignFlip(share=0.3), LabelFlip(share=0.1))
    policy = {"kind": "fedbuff", "concurrency": 8, "buffer": 7}
    found = summed_up(defense=Krum(f=2), attack=attacks, policy=policy)
    assert headline(found) == (
        "krum f=2 · sign_flip and label_flip, 4 of 10 clients compromised; the rule tolerates 2 of 7 updates · "
        "fedbuff · 0 failed rounds · 0 failed attacks"
    )
    assert [(attack["kind"], attack["compromised"]) for attack in found["attacks"]] == [
        ("sign_flip", 3),
        ("label_flip", 1),
    ]
    assert found["warnings"] == ["4 of 10 clients are compromised, and the rule tolerates 2 of 7 updates"]


def test_how_often_attacks_failed_and_how_they_did_first():
    found = summed_up(attack=Forgetful(share=0.2, rounds={"start": 1}), attack_failures="honest", defense="median")
    assert found["failed_attacks"] == found["attacks"][0]["failed"] == 2
    [told] = found["warnings"]
    assert told.startswith(
        "attack forgetful failed 2 times and its clients answered honestly, first in round 1: Lookup"
    )


def test_how_often_rounds_failed_and_why():
    found = summed_up(rounds=4, defense=Tired(after=1))
    assert (found["failed_rounds"], found["commonest_failure"]) == (3, "enough")
    assert found["warnings"] == ["3 of 4 rounds failed, most often since enough"]


@pytest.mark.parametrize(
    ("attack", "settings", "why"),
    [
        (FalseAlarms(share=0.2), {}, "the defense asks no client what it holds of the global model"),
        (FalseAlarms(share=0.2), {"defense": "siren_plus", "root": {"size": 8}}, ""),
        (SignFlip(share=0.2), {}, ""),
        (
            SignFlip(share=0.2, rounds={"start": 2}),
            {"max_seconds": 0.5},
            "it was on in none of the rounds",
        ),
        (
            SignFlip(share=0.1),
            {"rounds": 1, "policy": {"cohort": 1, "kind": "synchronous"}, "seed": 1},
            "no update of its clients was accepted",
        ),
        (
            SignFlip(share=0.2, rounds={"start": 2}),
            {"policy": {"kind": "fedbuff", "concurrency": 10, "buffer": 5}},
            "no update was used that its clients sent in a task for which it was on",
        ),
        (WeightAttack(share=0.2), {"defense": BELIEVING}, ""),
        (WeightAttack(share=0.2, own_size=1), {}, ""),
        (Replay(share=0.2, rounds={"start": 2}), {}, "its clients answered as honest ones would"),
        (Replay(share=0.2, rounds={"start": 2}, speed=2.0), {}, ""),
        (Replay(share=0.2, rounds={"start": 1}), {}, ""),
        (
            WeightAttack(share=0.2, claimed_size=4),
            {"defense": {"kind": "mean", "weighting": "examples"}},
            "its clients",
        ),
        (Late(share=0.2, seconds=None), {"policy": {"kind": "synchronous", "deadline": 5.0}}, ""),
        (
            Late(share=0.2, seconds=9.0, rounds={"start": 1}),
            {"policy": {"kind": "fedbuff", "concurrency": 10, "buffer": 5}},
            "",
        ),
    ],
    ids=[
        "nobody asks",
        "asked",
        "heard",
        "too late",
        "not heard",
        "not in time",
        "claims believed",
        "claims of few examples",
        "nothing to replay yet",
        "nothing to replay yet, but sooner",
        "something to replay",
        "true claims",
        "silence",
        "lateness on time",
    ],
)
def test_an_attack_without_effect_is_told(attack, settings, why):
    found = summed_up(**{"defense": "median", "attack": attack, **settings})["attacks"][0]["idle"]
    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_claims_that_a_defense_ignores_are_told_and_leave_no_doubt():
    ignored = summed_up(defense="median", attack=WeightAttack(share=0.2))
    assert ignored["warnings"] == [
        "the attack weight is without effect here, since the numbers of examples that clients claim change no aggregate"
    ]
    assert marks([ignored]) == ""
    alone = {"policy": {"kind": "fedasync", "concurrency": 5}, "rounds": 20}
    assert summed_up(defense=BELIEVING, attack=WeightAttack(share=0.2), **alone)["attacks"][0]["ignored"]
    believed = summed_up(defense=BELIEVING, attack=WeightAttack(share=0.2))
    assert not any("without effect" in warning for warning in believed["warnings"])


def test_attackers_who_answer_more_often_than_others_may_be_more_than_the_rule_tolerates():
    """Two clients of ten, a thousand times as fast as the others, make up whole buffers of six."""
    policy = {"kind": "fedbuff", "concurrency": 5, "buffer": 6}
    calm = {"defense": {"kind": "trimmed_mean", "f": 2}, "policy": policy, "rounds": 6, "compute": {"time": 10.0}}
    fast = summed_up(**calm, attack=SignFlip(share=0.2, speed=1000.0))
    assert fast["tolerated"] == fast["compromised"] == 2
    assert fast["crowded"]["most"] > 2
    assert [told.partition(" rounds ")[2] for told in fast["warnings"]] == [
        f"attackers sent more of the updates than the rule tolerates, {fast['crowded']['most']} of 6 at most, "
        "since a client may send several"
    ]
    assert marks([fast]) == "°"
    slow = summed_up(**calm, attack=SignFlip(share=0.2, speed=0.01))
    assert slow["crowded"] == {}


class Odd(Tired):
    """Has settings that no file could hold."""

    kind: str = "odd"
    after: int = 9
    direction: torch.Tensor
    table: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("defense", "words"),
    [
        (SirenPlus(holdout=0.5, c_c=0.25), "siren_plus c_c=0.25 holdout=0.5"),
        (Odd(direction=torch.zeros(2)), "odd direction=tensor([0., 0.])"),
        (Odd(direction=torch.zeros(99), table=(1, 2)), "odd direction=... table=(1, 2)"),
        (Krum(f=1), "krum f=1"),
        (Krum(f=1, m=2), "krum f=1 m=2"),
        (NearestNeighbourMixing(f=1) >> Krum(f=2), "nearest_neighbour_mixing f=1 >> krum f=2"),
    ],
)
def test_a_defense_in_a_few_words(defense, words):
    assert spelled(defense) == words


def test_a_late_defense_says_so():
    assert summed_up(defense="median", defense_from=2)["defense"] == "median from round 2"


BEGINNINGS = {
    "init": "`defense`: Tired cannot begin",
    "contract": r"`defense`: `contract\(\)` of Tired must return a Contract; found that it fails",
}


@pytest.mark.parametrize(("method", "told"), BEGINNINGS.items())
def test_a_rule_that_cannot_begin_is_refused_before_anything_runs(method, told, monkeypatch):
    def fail(rule):
        raise LookupError("forgotten")

    monkeypatch.setattr(Tired, method, fail)
    with pytest.raises(ValueError, match=rf"{told}: LookupError: forgotten \(test_summary\.py, line \d+\)"):
        summed_up(defense=Tired(after=1))


def test_failures_before_a_checkpoint_are_counted():
    plan = Experiment(
        rounds=4, clients=6, model="logistic_regression", attack=Forgetful(share=0.5), attack_failures="honest"
    )
    setup, snapshots = resolve(plan, dataset=toy(6)), []

    class Keeps(Nobody):
        def on_round(self, record, snapshot):
            snapshots.append((record, snapshot()))

    whole = simulate(setup, Keeps())
    earlier, snapshot = [record for record, _ in snapshots[:2]], snapshots[1][1]
    resumed = simulate(setup, Nobody(), resume=snapshot, earlier=tuple(earlier))
    assert whole.attack_failures == resumed.attack_failures
    assert whole.attack_failures[0][0] == 4
