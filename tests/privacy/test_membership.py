"""The ROC curve of a set of scores, against its definition, pair by pair and threshold by threshold."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.errors import InvalidConfig
from fedprop.privacy import infer

TIED = st.lists(
    st.sampled_from([-math.inf, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, math.inf, math.nan]), min_size=1, max_size=9
)
WHOLE = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=9)


def run(members, nonmembers):
    return infer(torch.tensor(members, dtype=torch.float64), torch.tensor(nonmembers, dtype=torch.float64))


def below_all(score):
    """The definition of a score that is NaN; no number is below minus infinity, so it ties with that."""
    return -math.inf if math.isnan(score) else score


def share(scores, threshold):
    return sum(below_all(score) >= threshold for score in scores) / len(scores)


@settings(deadline=None)
@given(TIED, TIED)
def test_the_area_is_the_chance_that_a_member_scores_above_a_non_member(members, nonmembers):
    pairs = [(below_all(m), below_all(n)) for m in members for n in nonmembers]
    chance = sum((m > n) + (m == n) / 2 for m, n in pairs) / len(pairs)
    assert run(members, nonmembers).auc == pytest.approx(chance)


@settings(deadline=None)
@given(TIED, TIED)
def test_points_and_advantage_are_those_of_the_thresholds(members, nonmembers):
    found = run(members, nonmembers)
    assert (found.fpr[0], found.tpr[0], found.thresholds[0]) == (0, 0, math.inf)
    assert (found.fpr[-1], found.tpr[-1]) == (1, 1)
    assert list(found.thresholds) == sorted(found.thresholds, reverse=True)
    for fpr, tpr, threshold in list(zip(found.fpr, found.tpr, found.thresholds, strict=True))[1:]:
        assert (fpr, tpr) == (share(nonmembers, threshold), share(members, threshold))
    every = {below_all(score) for score in members + nonmembers}
    best = max(abs(share(members, t) - share(nonmembers, t)) for t in every)
    assert found.advantage == pytest.approx(best)


@settings(deadline=None)
@given(WHOLE, WHOLE, st.sampled_from([lambda s: s**3 - 7, math.exp, math.atan, lambda s: 1e-300 * s]))
def test_only_the_order_of_the_scores_counts(members, nonmembers, rising):
    before, after = run(members, nonmembers), run(map_all(rising, members), map_all(rising, nonmembers))
    assert (before.fpr, before.tpr, before.auc, before.advantage) == (after.fpr, after.tpr, after.auc, after.advantage)


def map_all(function, values):
    return [function(value) for value in values]


@settings(deadline=None)
@given(TIED, TIED)
def test_members_and_non_members_may_change_places(members, nonmembers):
    one, other = run(members, nonmembers), run(nonmembers, members)
    assert one.auc == pytest.approx(1 - other.auc)
    assert one.advantage == pytest.approx(other.advantage)


@settings(deadline=None)
@given(TIED, TIED)
def test_the_advantage_bounds_the_area(members, nonmembers):
    """No point of the curve lies more than the advantage D above or below the diagonal; nor beyond the unit square."""
    found = run(members, nonmembers)
    assert 0 <= found.advantage <= 1
    assert abs(found.auc - 0.5) <= found.advantage - found.advantage**2 / 2 + 1e-12


@settings(deadline=None)
@given(TIED)
def test_scores_that_say_nothing_give_one_half(scores):
    found = run(scores, scores)
    assert found.auc == pytest.approx(0.5)
    assert found.advantage == 0


@settings(deadline=None)
@given(WHOLE, WHOLE)
def test_scores_that_say_all_give_one(members, nonmembers):
    found = run([score + 41 for score in members], nonmembers)
    assert (found.auc, found.advantage) == (1, 1)


def test_a_worked_example():
    """Members 4 3 1, non-members 3 2: of six pairs four are in order, one is tied."""
    found = run([4.0, 3.0, 1.0], [3.0, 2.0])
    assert found.auc == pytest.approx(3.5 / 6)
    assert found.thresholds == (math.inf, 4, 3, 2, 1)
    assert found.tpr == pytest.approx((0, 1 / 3, 2 / 3, 2 / 3, 1))
    assert found.fpr == (0, 0, 0.5, 1, 1)
    assert found.advantage == pytest.approx(1 / 3)


@pytest.mark.parametrize(("members", "nonmembers"), [([], [1.0]), ([1.0], [])])
def test_both_sides_are_needed(members, nonmembers):
    with pytest.raises(InvalidConfig, match=f"found {len(members)} and {len(nonmembers)}"):
        run(members, nonmembers)
