"""A run in one line, the warnings beneath it, and the marks of its number in a table."""

import math
from dataclasses import replace

import pytest
from torch import nn

from fedprop.experiments.experiment import Experiment
from fedprop.experiments.headline import headline, marks, warnings
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from fedprop.experiments.tally import Tally
from fedprop.params import ParameterLayout
from fedprop.simulation.events import RoundRecord

CALM = {
    "defense": "krum f=2",
    "attacks": [],
    "compromised": 0,
    "clients": 10,
    "cohort": 10,
    "tolerated": 2,
    "policy": "synchronous",
    "rounds": 5,
    "failed_rounds": 0,
    "failed_attacks": 0,
    "commonest_failure": "",
}


def attacked(kind="sign_flip", compromised=2, *, failed=0, failure="", idle="", **changes):
    attack = {"kind": kind, "compromised": compromised, "failed": failed, "failure": failure, "idle": idle}
    return {**CALM, "attacks": [attack], "compromised": compromised, "failed_attacks": failed, **changes}


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        (CALM, "krum f=2 · no attack · synchronous · 0 failed rounds"),
        (
            attacked(failed_rounds=1),
            "krum f=2 · sign_flip, 2 of 10 clients compromised; the rule tolerates 2 · synchronous · "
            "1 failed round · 0 failed attacks",
        ),
        (
            attacked(failed=1, cohort=7),
            "krum f=2 · sign_flip, 2 of 10 clients compromised; the rule tolerates 2 of 7 updates · synchronous · "
            "0 failed rounds · 1 failed attack",
        ),
        (
            attacked(tolerated=None),
            "krum f=2 · sign_flip, 2 of 10 clients compromised · synchronous · 0 failed rounds · 0 failed attacks",
        ),
        ({"test_error": 0.1}, ""),
    ],
)
def test_a_run_in_one_line(summary, line):
    assert headline(summary) == line


@pytest.mark.parametrize(
    ("summary", "sentences"),
    [
        (CALM, []),
        (attacked(), []),
        (attacked(compromised=3), ["3 of 10 clients are compromised, and the rule tolerates 2"]),
        (attacked(compromised=3, tolerated=None), []),
        (attacked(compromised=5, cohort=2, tolerated=2), []),
        (
            attacked(compromised=3, cohort=8),
            ["3 of 10 clients are compromised, and the rule tolerates 2 of 8 updates"],
        ),
        (
            attacked(failed=3, failure="in round 1: no"),
            ["attack sign_flip failed 3 times and its clients answered honestly, first in round 1: no"],
        ),
        (
            attacked(cohort=6, crowded={"rounds": 4, "most": 5}),
            [
                "in 4 of 5 rounds attackers sent more of the updates than the rule tolerates, 5 of 6 at most, since a "
                "client may send several"
            ],
        ),
        (attacked(idle="nobody came"), ["attack sign_flip had no effect: nobody came"]),
        (
            {**CALM, "failed_rounds": 2, "commonest_failure": "found none"},
            ["2 of 5 rounds failed, most often since found none"],
        ),
    ],
)
def test_what_a_reader_must_know(summary, sentences):
    assert warnings(summary) == sentences


@pytest.mark.parametrize(
    ("summaries", "found"),
    [
        ([], ""),
        ([CALM, attacked()], ""),
        ([CALM, attacked(compromised=3)], "°"),
        ([attacked(failed=1), CALM], "†"),
        ([attacked(idle="nobody came")], "†"),
        ([{**CALM, "failed_rounds": 1}, attacked(compromised=3)], "°†"),
        ([{**CALM, "numberless_from": 0}, CALM], "†"),
        ([{"test_error": 0.1}], ""),
    ],
)
def test_a_number_bears_the_marks_of_all_its_trials(summaries, found):
    assert marks(summaries) == found


def test_a_probe_that_never_had_anything_to_look_at_is_told(tmp_path):
    """Of five clients one is invited a round: the one that is attacked in the only round, or another."""
    base = {
        "clients": 5,
        "rounds": 1,
        "data": "digits",
        "model": "logistic_regression",
        "policy": {"kind": "synchronous"},
    }
    told = []
    for client in range(5):
        probe = {"kind": "membership", "targets": ["client"], "client": client, "pairs": 10}
        plan = Experiment(**base, inference=probe).but(**{"policy.cohort": 1})
        run(plan, out=tmp_path / str(client))
        summary = RunStore(tmp_path / str(client)).meta("summary")
        assert bool(summary["inference"]) != bool(summary["warnings"])
        told += summary["warnings"]
    looked = "in no round in which it looked was there anything for it to look at"
    assert told == [f"probe membership found nothing: {looked}"] * 4
    seat = {"kind": "at_client", "seat": 0, "probe": {"kind": "revealing_labels", "client": 1}}
    for name, policy, count in (("all", {"kind": "synchronous"}, 0), ("some", {"kind": "synchronous", "cohort": 4}, 1)):
        plan = {**base, "policy": policy, "training": {"epochs": 1}}  # each example is looked at
        run(Experiment(**plan, inference=seat), out=tmp_path / name)
        assert len(RunStore(tmp_path / name).meta("summary")["warnings"]) == count


def test_rounds_in_which_nobody_counts_are_told(tmp_path):
    """A watermark that no update can pass leaves the model as it is: what such a run ends at was never learnt."""
    base = {"clients": 4, "rounds": 2, "data": "digits", "model": "logistic_regression"}
    told, marked = {}, {}
    for name, lambda_ in (("all go", 100.0), ("all stay", -100.0)):
        steps = [{"kind": "watermark", "lambda_": lambda_}]
        run(Experiment(**base, defense={"kind": "heterofl", "steps": steps}), out=tmp_path / name)
        summary = RunStore(tmp_path / name).meta("summary")
        told[name], marked[name] = summary["warnings"], marks([summary])
    assert told == {"all go": ["the model is as it began: in no round any update had any weight"], "all stay": []}
    assert marked == {"all go": "†", "all stay": ""}
    assert warnings({**CALM, "weightless_rounds": 4}) == ["in 4 of 5 rounds no update had any weight"]
    assert marks([{**CALM, "weightless_rounds": 4}]) == ""
    assert marks([{**CALM, "weightless_rounds": 4, "failed_rounds": 1}]) == "†"


def test_a_model_that_ends_without_a_number_is_told():
    losses = (2.0, math.nan, 1.0, None, math.inf, None, math.nan)
    records = [
        RoundRecord(round=i, version=i, time=0.0, wall_seconds=0.0, accepted=1, rejected=0, loss=loss)
        for i, loss in enumerate(losses)
    ]
    assert [Tally(records[:end]).numberless for end in range(1, len(records) + 1)] == [None, 1, None, None, 4, 4, 4]
    unread = Tally(records[:4])
    unread.complete(replace(records[3], loss=math.nan))
    assert unread.numberless == 3
    assert warnings({**CALM, "numberless_from": 4}) == ["from round 4 to the end the test loss is NaN or infinity"]


def test_a_running_variance_below_zero_leaves_no_number(tmp_path):
    """Of BatchNorm's buffers an attacker says what it likes, and a root of a negative number is none."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, 10))
    plan = Experiment(clients=4, rounds=1, data="digits", attack={"kind": "scaling", "factor": 100.0, "share": 0.25})
    run(plan, out=tmp_path, model=model)
    summary = RunStore(tmp_path).meta("summary")
    assert summary["numberless_from"] == 0
    assert marks([summary]) == "°†"
    why = f"since {summary['sunken_variances']} running variances ended below zero, which `variance_guard` prevents"
    assert summary["warnings"][-1] == f"from round 0 to the end the test loss is NaN or infinity, {why}"


def test_a_guarded_server_keeps_variances_above_zero(tmp_path):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, 10))
    attack = {"kind": "scaling", "factor": 100.0, "share": 0.25}
    plan = Experiment(clients=4, rounds=3, data="digits", attack=attack, variance_guard=True)
    found = run(plan, out=tmp_path, model=model)
    summary = RunStore(tmp_path).meta("summary")
    assert (summary["numberless_from"], summary["sunken_variances"]) == (None, 0)
    assert marks([summary]) == "°"
    layout = ParameterLayout.of(model)
    assert bool((found.parameters[layout.variances] >= 0).all())


def test_what_a_probe_found_at_an_attacker_is_told():
    [told] = warnings({**CALM, "probed_attackers": [0, 3]})
    assert told == "what was sought in the updates of clients 0 and 3 says little of honest ones: an attack makes them"
    assert warnings({**CALM, "probed_attackers": []}) == []


def test_promises_that_promise_little_are_told():
    kept = {**CALM, "delta": 0.001, "protected": 72, "epsilon": 8.0, "target_epsilon": 8.0}
    assert warnings(kept) == []
    assert warnings({**kept, "delta": 0.02}) == [
        "`delta` 0.02 is not below 1 / 72: to give one of 72 away whole would keep the promise"
    ]
    assert warnings({**kept, "epsilon": 14.86}) == [
        "epsilon 14.86 is beyond the target of 8: a client trained more often"
    ]
