"""What is tried on a rule: claims by contract, by reference, by declaration; and where."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fedprop.aggregators import (
    Aggregation,
    Aggregator,
    CenteredClipping,
    Contract,
    FLTrust,
    GeometricMedian,
    Krum,
    Mean,
    MeanAroundMedian,
    Median,
    NearestNeighbourMixing,
    NormClipping,
    TrimmedMean,
)
from fedprop.errors import InvalidConfig
from fedprop.properties import Case, Finding, Property, claims
from fedprop.verify import verify
from fedprop.verify.hunting.claim import Crashed
from fedprop.verify.rules.claims import _found
from fedprop.verify.targets.target import target_of


def outcomes(target, **options):
    return {o.name: o for o in verify(target, **{"examples": 25, "f": 1, **options}).outcomes}


def broken(target, **options):
    found = outcomes(target, curious=False, shrink=False, **options)
    return {name for name, outcome in found.items() if outcome.fails}


def mean(rows):
    return rows.mean(dim=0)


def lower_median(rows):
    return rows.median(dim=0).values


def numpy_median(rows):
    return np.median(rows, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    [
        Mean(weighting="examples"),
        Median,
        TrimmedMean,
        MeanAroundMedian,
        Krum,
        Krum(f=1, m=2),
        GeometricMedian(weighting="examples"),
        CenteredClipping(radius=2.0),
        CenteredClipping(radius=0.5, iterations=3),
        FLTrust,
        NearestNeighbourMixing,
        NearestNeighbourMixing(f=1) >> TrimmedMean(f=1),
        NormClipping(max_norm=2.0),
    ],
    ids=repr,
)
def test_built_in_rules_keep_their_claims(rule):
    assert not broken(rule)


def test_a_bare_callable_owes_safety_alone():
    found = outcomes(mean)
    assert {o.name for o in found.values() if o.status == "safety"} == {
        "answers",
        "surroundings",
        "shape",
        "finite",
        "untouched",
        "repeatable",
    }
    assert {o.status for o in found.values()} == {"safety", "tried"}
    assert found["breakdown"].verdict == "broken"
    assert not found["breakdown"].fails


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (lambda rows: rows.mean(), "shape"),
        (lambda rows: rows.mean(dim=0).float(), "shape"),
        (lambda rows: rows.sum(dim=0) / rows.abs().sum(), "finite"),
        (lambda rows: rows.sub_(1).mean(dim=0), "untouched"),
        (lambda rows: rows.mean(dim=0) + torch.rand(()), "repeatable"),
        (lambda rows: rows.mean(dim=0) * (1 if rows.any() else 1 // int(rows.sum())), "answers"),
    ],
)
def test_safety_decides_for_everybody(rule, name):
    assert name in broken(rule)


def test_named_claims_are_held_to():
    assert broken(mean, claims=["breakdown"]) == {"breakdown"}
    assert not broken(mean, claims=["translation", "hull"])
    with pytest.raises(InvalidConfig, match=r"`--claim` must be one of .*; found colour"):
        verify(mean, claims=["colour"])


def test_declared_claims_are_held_to():
    honest = claims(translation=True, lies_in="the convex hull of the rows")(lambda rows: rows.mean(dim=0))
    boastful = claims(lies_in="one of the rows")(lambda rows: rows.mean(dim=0))
    assert not broken(honest)
    assert "a row" in broken(boastful)


def test_a_reference_decides_by_its_definition_and_its_contract():
    assert not broken(mean, as_="mean", examples=8)
    assert not broken(numpy_median, as_="median", examples=8)
    assert "definition" in broken(lower_median, as_="median", examples=8)
    assert "definition" in broken(mean, as_={"kind": "trimmed_mean"}, examples=8)


def test_a_counterexample_to_a_definition_is_small():
    shown = outcomes(lower_median, as_="median", curious=False)["definition"].counterexample
    assert len(shown.rows) <= 4
    assert len(shown.rows[0]) == 1
    assert all(value == int(value) for row in shown.rows for value in row)


def careless_krum(rows, f):
    """Krum that answers whatever the number of rows."""
    distances = (rows[:, None] - rows).square().sum(dim=2).fill_diagonal_(torch.inf)
    scores = distances.sort(dim=1).values[:, : max(1, len(rows) - f - 2)].sum(dim=1)
    return rows[scores.argmin()].clone()


def test_too_few_rows_must_be_refused_unless_the_user_states_the_rows():
    assert broken(careless_krum, as_="krum", f=range(2)) == {"too few rows"}
    assert not broken(careless_krum, as_="krum", f=1, n=range(5, 9))


def test_ties_excuse_a_rule_only_where_its_answer_jumps():
    def first_of_inmost(rows):
        return rows[(rows[:, None] - rows).square().sum(dim=(1, 2)).argmin()].clone()

    assert outcomes(first_of_inmost, claims=["permutation"])["permutation"].verdict == "holds"
    assert broken(lambda rows: rows[0].clone(), claims=["permutation"]) == {"permutation"}


def test_f_and_n_say_where_claims_are_tried():
    def wrong_beyond_nine(rows, f):
        return rows.mean(dim=0) * (2 if len(rows) > 9 else 1)

    assert not broken(wrong_beyond_nine, as_="mean", n=range(3, 10))
    assert broken(wrong_beyond_nine, as_="mean", n=range(3, 11))

    def wrong_for_two(rows, f):
        return rows.mean(dim=0) * (2 if f == 2 else 1)

    assert not broken(wrong_for_two, as_="mean", f=1)
    shown = outcomes(wrong_for_two, as_="mean", f=range(3), curious=False)["definition"].counterexample
    assert shown.f == 2


def test_impossible_domains_are_refused():
    with pytest.raises(InvalidConfig, match=r"`n` must allow what .*Krum needs \(7 for f=2\); found 2..3"):
        verify(Krum, f=2, n=range(2, 4))


def test_a_rule_that_refuses_every_input_owes_an_answer():
    def fussy(rows):
        raise ValueError("never")

    for options in ({}, {"as_": "median"}):
        report = verify(fussy, examples=5, **options)
        answers, *others = report.outcomes
        assert answers.fails
        assert "ValueError: never" in answers.counterexample.found
        assert {(o.verdict, o.fails) for o in others if o.name != "surroundings"} == {("skipped", False)}
        assert report.broken


def narrow_first(rows, f):
    """Row 0, if the rows are in float32."""
    if rows.dtype != torch.float32:
        raise TypeError("float32 only")
    return rows[0].clone()


def narrow_median(rows):
    if rows.dtype != torch.float32:
        raise TypeError("float32 only")
    return rows.quantile(0.5, dim=0)


def narrow_krum(rows, f):
    if rows.dtype != torch.float32 or len(rows) < 2 * f + 3:
        raise ValueError("float32 and 2f + 3 rows")
    distances = (rows[:, None] - rows).square().sum(dim=2).fill_diagonal_(torch.inf)
    return rows[distances.sort(dim=1).values[:, : len(rows) - f - 2].sum(dim=1).argmin()].clone()


def wide_median(rows):
    if rows.dtype != torch.float64:
        raise TypeError("float64 only")
    return rows.quantile(0.5, dim=0)


def test_a_rule_of_one_dtype_is_tried_in_that():
    found = outcomes(narrow_first, as_="trimmed_mean", curious=False, shrink=False)
    assert {"definition", "permutation", "kappa", "honest box", "too few rows"} <= {
        n for n, o in found.items() if o.fails
    }
    assert "float32)" in found["definition"].counterexample.code
    for rule, reference in ((narrow_median, "median"), (wide_median, "median"), (narrow_krum, "krum")):
        report = verify(rule, as_=reference, examples=10, f=1, curious=False)
        assert not report.fails
        assert {o.name for o in report.outcomes if o.verdict == "skipped"} >= {"precision"}
        assert "alone, as it takes nothing else" in report.notes[0]
        assert report.limits[0].rows in (2, 3)


def test_a_claim_that_no_input_answers_fails():
    def columns_alone(rows):
        if rows.shape[1] != 1:
            raise ValueError("one column at a time")
        return rows.quantile(0.5, dim=0)

    def never_twice(rows):
        if len(rows) > 3:
            raise ValueError("three rows are enough")
        return rows.mean(dim=0)

    found = outcomes(never_twice, claims=["monotone"], n=range(3, 5), shrink=False)
    assert (found["monotone"].verdict, found["monotone"].fails) == ("unanswered", True)
    assert "three rows are enough" in found["monotone"].why
    found = outcomes(never_twice, claims=["monotone"], n=range(3, 4), shrink=False)
    assert (found["monotone"].verdict, found["monotone"].fails) == ("skipped", False)
    assert "answers" in broken(columns_alone, as_="median")


def test_an_answer_of_the_wrong_shape_is_one_claims_business():
    report = verify(lambda rows: rows.mean(), as_="mean", examples=10, f=1, curious=False, shrink=False)
    verdicts = {o.name: o.verdict for o in report.outcomes}
    assert (verdicts["shape"], verdicts["answers"], verdicts["definition"]) == ("broken", "holds", "unanswered")
    assert "a tensor of shape []" in next(o.why for o in report.outcomes if o.name == "hull")


def test_a_crash_on_rows_that_a_claim_moved_is_a_finding():
    def gives_up_far_out(rows):
        if float(rows.abs().min()) > 2e6:
            raise OverflowError("too far")
        return rows.quantile(0.5, dim=0)

    rule = target_of(gives_up_far_out, "gives_up_far_out", {}).make(0)
    near, far = (Case(torch.full((3, 1), size), (True,) * 3, 0) for size in (1.0, 1e7))
    moves = Property("moved", "Far rows have an answer.", "here", lambda rule, case, _: Finding(rule(case.wide * 1e7)))
    stays = replace(moves, find=lambda rule, case, _: Finding(rule(case.wide)))
    found = _found(moves, rule, near, Contract())
    assert str(found).startswith("OverflowError: too far")
    assert found.rows.tolist() == [[1e7]] * 3
    assert _found(stays, rule, near, Contract()).actual.tolist() == [1.0]
    with pytest.raises(Crashed):
        _found(stays, rule, far, Contract())


def test_rules_of_lists_and_state_dicts_are_held_to_the_same_claims():
    def averaged(models):
        return {name: sum(model[name] for model in models) / len(models) for name in models[0]}

    def forgets_the_last(models):
        return {name: sum(model[name] for model in models[:-1]) / (len(models) - 1) for name in models[0]}

    report = verify(averaged, as_="mean", examples=20, f=1, curious=False)
    assert not report.fails
    assert report.notes == ("the rule was handed its rows as a list of state dicts",)
    assert "definition" in broken(forgets_the_last, as_="mean")


@pytest.mark.parametrize("named", [True, False])
def test_a_rule_is_told_what_it_says_that_it_asks(named):
    class Zeno(Boastful):
        @property
        def asks(self):
            return frozenset({"losses"} if named else ())

        def combine(self, cohort, state):
            cohort.server_side.losses(cohort.updates)
            return super().combine(cohort, state)

    if named:
        assert "answers" not in broken(Zeno, examples=3)
    else:
        with pytest.raises(InvalidConfig, match=r"Zeno reads .* and does not name it in `asks`"):
            verify(Zeno)


class Boastful(Aggregator):
    """Claims to follow a shift, and does not."""

    kind: str = "boastful"

    def contract(self):
        return Contract(translation=True, scaling=True)

    def combine(self, cohort, state):
        rows = cohort.updates
        return Aggregation(2 * rows.mean(dim=0), torch.full((len(rows),), 2 / len(rows), dtype=rows.dtype), state)


def test_an_aggregator_is_held_to_its_own_contract():
    found = outcomes(Boastful)
    assert {o.name for o in found.values() if o.fails} == {"translation"}
    assert found["idempotent"].status == "tried"
    assert found["idempotent"].verdict == "broken"
    assert "definition" not in found


def uneven(rows, examples):
    shares = torch.tensor([float(k) ** 2 for k in examples], dtype=rows.dtype)
    return shares @ rows / shares.sum()


def even(rows, examples):
    shares = torch.tensor(examples, dtype=rows.dtype)
    return shares @ rows / shares.sum()


def test_claimed_numbers_of_examples_are_weights():
    reference = {"kind": "mean", "weighting": "examples"}
    assert not broken(even, as_=reference)
    assert broken(uneven, as_=reference) == {"examples"}
