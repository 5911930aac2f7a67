"""What is tried on a rule: claims by contract, by reference, by declaration; and where."""

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
from fedprop.properties import claims
from fedprop.verify import verify


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
    assert not broken(mean, as_="mean")
    assert not broken(numpy_median, as_="median")
    assert "definition" in broken(lower_median, as_="median")
    assert "definition" in broken(mean, as_={"kind": "trimmed_mean"}, f=1)


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

    report = verify(fussy, examples=5)
    answers, *others = report.outcomes
    assert answers.fails
    assert "ValueError: never" in answers.counterexample.found
    assert {o.verdict for o in others} == {"skipped", "unanswered"}


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
