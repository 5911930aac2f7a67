"""The search over all sets: whichever set is the best is found."""

from itertools import combinations

import pytest
import torch

from fedprop.aggregators.subsets import _sets_at, best_subset

CPU = torch.device("cpu")


@pytest.mark.parametrize(("n", "f"), [(1, 0), (4, 0), (5, 2), (6, 1)])
def test_whichever_set_is_the_best_is_found(n, f):
    for best in combinations(range(n), n - f):
        wanted = torch.tensor(best)
        found = best_subset(n, f, lambda sets, wanted=wanted: 1.0 + (sets != wanted).sum(dim=1).double(), CPU)
        assert found.tolist() == list(best)


def test_of_equal_scores_the_first_set_is_taken():
    assert best_subset(4, 2, lambda sets: torch.ones(len(sets), dtype=torch.float64), CPU).tolist() == [0, 1]


def test_of_equal_scores_that_with_the_least_second_score_is_taken():
    def without_the_third(sets):
        return (sets == 2).any(dim=1).double()

    def nothing(sets):
        return torch.ones(len(sets), dtype=torch.float64)

    assert best_subset(4, 2, nothing, CPU, then=without_the_third).tolist() == [0, 1]
    assert best_subset(4, 1, nothing, CPU, then=without_the_third).tolist() == [0, 1, 3]
    assert best_subset(4, 1, without_the_third, CPU, then=nothing).tolist() == [0, 1, 3]


def test_more_equal_sets_than_are_scored_together():
    """All of 4,845 sets are equal; the last of them alone has 0, 1, 2 and 3 left out."""
    found = best_subset(20, 4, lambda sets: torch.ones(len(sets)), CPU, then=lambda sets: 999.0 - sets.sum(dim=1))
    assert found.tolist() == list(range(4, 20))


@pytest.mark.parametrize(("n", "f"), [(1, 0), (5, 2), (6, 3), (7, 1)])
def test_the_sets_at_all_places_are_all_sets_in_order(n, f):
    every = list(combinations(range(n), n - f))
    assert _sets_at(n, f, torch.arange(len(every))).tolist() == [list(chosen) for chosen in every]


def test_the_sets_of_many_rows_have_places_too():
    """The sets of 36 rows of 70 that begin with a row are more than int64 can tell, and none is asked for."""
    assert _sets_at(70, 2, torch.tensor([0, 2414])).tolist() == [list(range(68)), list(range(2, 70))]
