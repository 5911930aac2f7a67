"""The search over all sets: whichever set is the best is found."""

from itertools import combinations

import pytest
import torch

from fedprop.aggregators.subsets import best_subset

CPU = torch.device("cpu")


@pytest.mark.parametrize(("n", "f"), [(1, 0), (4, 0), (5, 2), (6, 1)])
def test_whichever_set_is_the_best_is_found(n, f):
    for best in combinations(range(n), n - f):
        wanted = torch.tensor(best)
        found = best_subset(n, f, lambda sets, wanted=wanted: 1.0 + (sets != wanted).sum(dim=1).double(), CPU)
        assert found.tolist() == list(best)


def test_of_equal_scores_the_first_set_is_taken():
    assert best_subset(4, 2, lambda sets: torch.ones(len(sets), dtype=torch.float64), CPU).tolist() == [0, 1]
