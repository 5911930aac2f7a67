"""A rule breaks down if far rows carry its answer away."""

import pytest
import torch

from fedprop.aggregators import Mean, Median
from fedprop.aggregators.contract import Contract, exactly, minority
from fedprop.properties import Case, PropertyViolated
from fedprop.properties.breakdown import BREAKDOWN, carried_away

CASE = Case(torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [9.0, 9.0]]), (True, True, True, False), 1)


def test_the_mean_is_carried_away_and_the_median_is_not():
    claims = Contract(tolerates=minority)
    BREAKDOWN.check(Median(), CASE, claims)
    with pytest.raises(PropertyViolated, match=r"the honest mean\) with 1 rows 1e\+06 spreads away"):
        BREAKDOWN.check(Mean(), CASE, claims)


def test_two_rows_of_four_carry_the_median_away():
    both = Case(CASE.rows, (True, True, False, False), 2)
    assert carried_away(Median(), both, 1e6) is not None


def test_a_rule_that_only_spots_the_farthest_is_caught_nearer():
    def blind_below(rows):
        kept = rows[rows.norm(dim=1) < 1e12]
        return kept.mean(dim=0)

    assert carried_away(blind_below, CASE, 1e20) is None
    with pytest.raises(PropertyViolated):
        BREAKDOWN.check(blind_below, CASE, Contract(tolerates=minority))


def test_nothing_is_claimed_beyond_the_tolerance():
    BREAKDOWN.check(Mean(), CASE, Contract(tolerates=exactly(2, 4)))
    assert not BREAKDOWN.claimed(Mean().contract())
    assert BREAKDOWN.claimed(Median().contract())
    assert carried_away(Mean(), Case(CASE.rows, (True,) * 4, 0), 1e6) is None


def test_rows_at_the_honest_mean_are_driven_out_too():
    still = Case(torch.zeros(3, 2), (True, True, False), 1)
    assert carried_away(Mean(), still, 1e6) is not None
