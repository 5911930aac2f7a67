"""What becomes of claims: the cap by hand, against its definition, and in the rules that weigh."""

from fractions import Fraction
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import AGGREGATORS, Aggregator, Cohort, GeometricMedian, Mean, self_contained
from fedprop.aggregators.weighting import CLIENTS, HELD, Weighting, capped, row_weights
from fedprop.defenses import PROTOCOLS
from fedprop.oracles.weighting import MISREADINGS
from fedprop.oracles.weighting import capped as defined

claimed = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 10**6)), min_size=1, max_size=24)


def cut(claims):
    return capped(torch.tensor(claims, dtype=torch.float64)).tolist()


@pytest.mark.parametrize(
    ("claims", "left"),
    [
        ([5, 5, 5], [5, 5, 5]),
        ([10, 30, 20], [10, 30, 20]),
        ([10, 1_000_000, 20], [10, 30, 20]),
        ([1, 1, 9, 1, 9, 1, 1, 1, 1, 1], [1, 1, 4, 1, 4, 1, 1, 1, 1, 1]),
        ([7], [0]),
        ([7, 0, 0], [0, 0, 0]),
    ],
    ids=["equal", "just allowed", "one liar", "two of ten", "alone", "nobody else"],
)
def test_the_cap_by_hand(claims, left):
    """Of up to nine clients the largest claim, of ten to nineteen the two largest hold at most half."""
    assert cut(claims) == left


@given(claimed)
def test_the_cap_is_its_definition(claims):
    assert cut(claims) == pytest.approx([float(u) for u in defined(claims)], rel=1e-9, abs=1e-9)


def test_every_misreading_differs_somewhere():
    draw = torch.Generator().manual_seed(0)
    told = [(10 ** (6 * torch.rand(n, generator=draw))).long().tolist() for n in range(2, 25)]
    for name, misread in MISREADINGS.items():
        assert any(misread(claims) != defined(claims) for claims in told), name


def test_rules_weigh_by_what_is_left():
    rows = torch.tensor([[0.0], [1.0], [8.0]])
    cohort = Cohort(rows, examples=(20, 10, 10**6))
    assert row_weights(cohort, "capped").tolist() == pytest.approx([1 / 3, 1 / 6, 1 / 2])
    assert Mean(weighting="capped").aggregate(cohort).value.item() == pytest.approx(4 + 1 / 6)
    assert GeometricMedian(weighting="examples").aggregate(cohort).value.item() == 8.0
    assert Mean(weighting="capped").aggregate(Cohort(rows[:1], examples=(7,))).weights.tolist() == [1.0]


LIED = (50, 50_000, *(50,) * 11)
"""What thirteen senders claim, one of whom lies; where a rule asks a server, its row is the first."""


def weigh(rule, claims):
    rows = 1 + torch.randn(13, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 10
    return self_contained(rule).aggregate(Cohort(rows, examples=claims)).weights


def heeds(rule):
    """Whether one claim of a thousand times as much as the others changes what anybody counts."""
    return not torch.allclose(weigh(rule, LIED), weigh(rule, (50,) * 13))


def test_whatever_heeds_claims_says_by_what_weighting():
    for rule in AGGREGATORS.examples():
        inside = [rule, *(value for _, value in rule if isinstance(value, Aggregator))]
        weightings = {part.weighting for part in inside if "weighting" in type(part).model_fields}
        assert heeds(rule) == bool(weightings - {"uniform"}), rule


HALVED = {GeometricMedian}
"""Whose answer is open where one row has half of all weight, and that is what the cap leaves a liar with."""


def test_with_half_of_all_weight_a_row_is_a_median_and_so_is_every_other_between():
    rows = torch.tensor([[0.0], [1.0], [2.0], [3.0], [50.0]], dtype=torch.float64)
    answers = [
        float(GeometricMedian(weighting="capped").aggregate(Cohort(rows[order], examples=claims)).value)
        for order, claims in (([0, 1, 2, 3, 4], (1, 1, 1, 1, 10**6)), ([4, 0, 1, 2, 3], (10**6, 1, 1, 1, 1)))
    ]
    assert all(3 <= answer <= 50 for answer in answers)
    assert float(GeometricMedian(weighting="examples").aggregate(Cohort(rows, examples=(1, 1, 1, 1, 9))).value) == 50


def test_whatever_has_a_weighting_takes_all_of_them_and_tries_the_cap():
    for cls in AGGREGATORS.kinds.values():
        if "weighting" in cls.model_fields:
            assert cls in HALVED or "capped" in {example.weighting for example in cls.examples()}, cls
            heeding = [example for example in cls.examples() if example.weighting != "uniform"]
            for name in get_args(Weighting):
                set_to = [example.model_copy(update={"weighting": name}) for example in heeding]
                assert any(map(heeds, set_to)) == (name != "uniform"), cls
    for cls in PROTOCOLS.kinds.values():
        if "weighting" in cls.model_fields:
            assert all(cls(weighting=name).rule.weighting == name for name in get_args(Weighting)), cls


def test_the_published_numbers_are_the_ones_defined():
    assert (Fraction(str(CLIENTS)), Fraction(HELD)) == (Fraction(1, 10), Fraction(1, 2))
