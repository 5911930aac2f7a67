"""What becomes of claims: the cap by hand, against its definition, and in the rules that weigh."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import Cohort, GeometricMedian, Mean
from fedprop.aggregators.weighting import CLIENTS, HELD, capped, row_weights
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


def test_the_published_numbers_are_the_ones_defined():
    assert (Fraction(str(CLIENTS)), Fraction(HELD)) == (Fraction(1, 10), Fraction(1, 2))
