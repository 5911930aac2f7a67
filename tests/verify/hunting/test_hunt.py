"""The hunt: claims are tried together, the broken ones shrunk, and what broke before is tried first."""

import itertools
from contextlib import nullcontext

import pytest
import torch
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from fedprop.properties import Finding
from fedprop.verify.hunting.claim import Claim, Crashed, Few, Inapplicable, Refused
from fedprop.verify.hunting.hunt import Effort, hunt, hunt_all
from fedprop.verify.hunting.trials import NO_ANSWER
from fedprop.verify.pages.findings import Counterexample

EFFORT = Effort(examples=60, seed=0)
NUMBERS = (st.integers(0, 1000),)


def show(value, finding):
    return Counterexample(found=str(finding), actual=value, code="")


def claim(name, find, inputs=NUMBERS, **fields):
    return Claim(name, "A sentence.", "a source", "claimed", inputs, find, show, **fields)


def at_least(limit):
    return lambda value: Finding(f"{value}") if value >= limit else None


def test_a_claim_that_holds_is_tried_on_every_input():
    outcome = hunt(claim("small", at_least(10_000)), EFFORT)
    assert (outcome.verdict, outcome.examples, outcome.counterexample) == ("holds", 60, None)


def test_a_counterexample_is_shrunk_to_the_smallest():
    outcome = hunt(claim("small", at_least(17)), EFFORT)
    assert (outcome.verdict, outcome.counterexample.actual) == ("broken", 17)
    assert 1 <= outcome.examples <= 60


def test_of_inputs_that_take_long_few_are_tried():
    seen = []
    inputs = (st.integers(0, 10), Few(st.integers(100, 10_000)))
    outcome = hunt(claim("all", seen.append, inputs), EFFORT)
    assert (outcome.examples, len([value for value in seen if value >= 100])) == (len(seen), 6)
    assert hunt(claim("small", at_least(117), inputs), EFFORT).counterexample.actual == 117


def test_later_inputs_are_tried_only_if_the_first_do_not_break_it():
    both = (st.integers(0, 5), st.integers(100, 200))
    assert hunt(claim("small", at_least(150), both), EFFORT).counterexample.actual == 150
    assert hunt(claim("small", at_least(3), both), EFFORT).counterexample.actual == 3


def test_together_is_as_alone():
    claims = [claim("a", at_least(17)), claim("b", at_least(10_000)), claim("c", at_least(400))]
    alone = tuple(hunt(c, EFFORT) for c in claims)
    heard = []
    assert hunt_all(claims, EFFORT, say=heard.append) == alone
    assert sorted(o.name for o in heard) == ["a", "b", "c"]


def test_claims_with_inputs_of_their_own_are_tried_on_those():
    other = claim("d", at_least(3), (st.integers(0, 9),))
    first, second = hunt_all([claim("a", at_least(10_000)), other], EFFORT)
    assert (first.verdict, second.counterexample.actual) == ("holds", 3)


@pytest.mark.parametrize("error", [Refused("takes no such thing"), Crashed("failed")])
def test_what_the_target_does_not_take_is_not_counted(error):
    def find(value):
        if value % 4 == 0:
            raise error

    outcome = hunt(claim("no multiple of four", find), EFFORT)
    assert outcome.verdict == "holds"
    assert "inputs refused" in outcome.why


def test_a_claim_that_had_no_answer_fails_with_its_reason():
    def find(value):
        raise Refused("takes no such thing")

    (outcome,) = hunt_all([claim("never", find)], EFFORT)
    assert (outcome.verdict, outcome.why) == ("unanswered", "takes no such thing")
    assert outcome.fails


def test_a_claim_that_had_few_answers_is_undecided():
    def find(value):
        if value > 200:
            raise Refused("takes no such thing")

    (outcome,) = hunt_all([claim("seldom", find)], EFFORT)
    assert (outcome.verdict, outcome.fails) == ("undecided", True)
    assert 0 < outcome.examples < 30
    assert outcome.why == f"{60 - outcome.examples} inputs refused"


def test_a_claim_that_says_nothing_about_any_input_decides_nothing():
    def find(value):
        raise Inapplicable("it says nothing about numbers")

    (outcome,) = hunt_all([claim("silent", find)], EFFORT)
    assert (outcome.verdict, outcome.why, outcome.fails) == ("skipped", "it says nothing about numbers", False)


def test_a_claim_that_cannot_be_tried_is_skipped():
    (outcome,) = hunt_all([claim("no", at_least(0), skip="no such device")], EFFORT)
    assert (outcome.verdict, outcome.why, outcome.examples) == ("skipped", "no such device", 0)


def test_a_target_with_moods_is_still_caught():
    calls = []

    def find(value):
        calls.append(value)
        return Finding("moody") if len(calls) == 5 else None

    (outcome,) = hunt_all([claim("moody", find)], EFFORT)
    assert outcome.verdict == "broken"
    assert outcome.examples == 5


def test_the_same_seed_tries_the_same_inputs():
    def seen(seed):
        values = []
        hunt(claim("all", lambda value: values.append(value)), Effort(20, seed))
        return values

    assert seen(1) == seen(1)
    assert seen(1) != seen(2)


def test_a_database_remembers_what_broke_a_claim():
    database = InMemoryExampleDatabase()
    rare = claim("rare", lambda value: Finding("rare") if value > 990 else None)
    found = hunt_all([rare], Effort(2000, 0, database), target="t")
    again = hunt_all([rare], Effort(1, 5, database), target="t")
    assert [o.counterexample.actual for o in (*found, *again)] == [991, 991]
    assert hunt_all([rare], Effort(1, 5, database), target="another")[0].verdict == "holds"


@pytest.fixture
def ticking(monkeypatch):
    """A clock that goes on by a second whenever somebody looks at it."""
    clock = itertools.count()
    for module in ("hunt", "trials"):
        monkeypatch.setattr(f"fedprop.verify.hunting.{module}.monotonic", lambda: next(clock))
    monkeypatch.setattr("fedprop.verify.hunting.trials.until", lambda end: nullcontext())


def test_time_that_runs_out_is_told(ticking):
    (outcome,) = hunt_all([claim("slow", at_least(10_000))], Effort(60, 0, seconds=40))
    assert (outcome.verdict, outcome.fails) == ("undecided", True)
    assert 1 <= outcome.examples < 20
    assert outcome.why == f"{60 - outcome.examples} inputs left: no time for them"


def test_time_that_was_never_there_leaves_everything_undecided():
    (outcome,) = hunt_all([claim("slow", at_least(0))], Effort(60, 0, seconds=1e-9))
    assert (outcome.verdict, outcome.examples) == ("undecided", 0)


def test_shrinking_ends_after_so_many_tries_and_keeps_what_it_has(monkeypatch):
    monkeypatch.setattr("fedprop.verify.hunting.hunt.SHRINKING", 3)
    tried = []

    def find(value):
        tried.append(value)
        return Finding("found") if value >= 17 else None

    (outcome,) = hunt_all([claim("small", find)], EFFORT)
    first = next(i for i, value in enumerate(tried) if value >= 17)
    assert len(tried) <= EFFORT.examples + first + 1 + 3
    assert outcome.verdict == "broken"
    assert outcome.counterexample.actual > 17


def test_how_small_a_counterexample_becomes_does_not_depend_on_time(ticking):
    (outcome,) = hunt_all([claim("small", at_least(17))], EFFORT)
    assert outcome.counterexample.actual == 17


def test_a_target_that_hangs_breaks_the_claim_and_is_not_tried_further(monkeypatch):
    monkeypatch.setattr("fedprop.verify.hunting.patience.PATIENCE", 0.05)
    asked = []

    def find(value):
        asked.append(value)
        while value > 5:
            pass

    numbers = (st.integers(0, 10),)
    claims = [claim("hangs", find, numbers), claim("after it", find, numbers), claim("elsewhere", find)]
    hangs, after, elsewhere = hunt_all(claims, Effort(15, 0))
    assert (hangs.verdict, hangs.counterexample.found) == ("broken", "no answer within 0.05 seconds")
    assert after.why.endswith(f"inputs left: {NO_ANSWER}")
    assert (elsewhere.verdict, elsewhere.why) == ("undecided", f"15 inputs left: {NO_ANSWER}")
    assert len([value for value in asked if value > 5]) == 1


class Odd(BaseException):
    pass


@pytest.mark.parametrize("error", [SystemExit(0), Odd(), GeneratorExit(), AttributeError("no such thing")])
def test_whatever_a_target_raises_is_found_and_ends_nothing(error):
    def find(value):
        if value > 5:
            raise error

    (outcome,) = hunt_all([claim("raises", find, (st.integers(0, 10),))], Effort(30, 0))
    assert (outcome.verdict, outcome.counterexample.actual) == ("broken", 6)
    assert type(error).__name__ in outcome.counterexample.found


def test_the_user_may_interrupt():
    def find(value):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hunt_all([claim("interrupted", find)], EFFORT)


def test_targets_that_draw_from_the_global_stream_neither_disturb_it_nor_differ():
    before = torch.get_rng_state()
    drawn = []
    hunt(claim("draws", lambda value: drawn.append(float(torch.rand(())))), EFFORT)
    assert len(set(drawn)) == 1
    assert torch.equal(before, torch.get_rng_state())
