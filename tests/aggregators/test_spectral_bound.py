"""A bound on the largest eigenvalues of many sets: never above them, and worth a search that finds the same set."""

from functools import partial

import torch

from fedprop.aggregators.smea import _at_least, _scatters
from fedprop.aggregators.subsets import FEW, _masks, _sets, best_subset, several_best
from fedprop.aggregators.views import centred_gram

draw = torch.Generator().manual_seed(0)
ROWS = {
    "noise in many directions": torch.randn(30, 90, generator=draw).double(),
    "noise in few directions": torch.randn(30, 3, generator=draw).double(),
    "far from zero": 1e6 + torch.randn(30, 4, generator=draw).double(),
    "small integers": torch.randint(0, 2, (25, 2), generator=draw).double(),
    "three different rows": torch.tensor([[0.0, 1.0], [5.0, 1.0], [2.0, 2.0]]).double()[torch.arange(24) // 8],
    "all alike": torch.ones(20, 3).double(),
    "two giants": torch.cat([torch.randn(22, 3, generator=draw), 1e30 * torch.randn(2, 3, generator=draw)]).double(),
}


def test_it_is_no_more_than_the_eigenvalue_and_nearly_as_much():
    for name, rows in ROWS.items():
        gram = centred_gram(rows)
        exact = torch.cat([_scatters(gram, sets) for sets in _sets(len(rows), 2, gram.device)])
        bound = torch.cat([_at_least(gram, kept) for kept in _masks(len(rows), 2, gram.device)])
        assert bool((bound <= exact * (1 + 1e-12)).all()), name
        assert float((bound / exact).nan_to_num(1).median()) > 0.999, name


def test_a_search_with_it_finds_the_same_set_and_the_same_ties_and_scores_few():
    for name, rows in ROWS.items():
        gram, n = centred_gram(rows), len(rows)
        scored = []

        def score(sets, gram=gram, scored=scored):
            scored.append(len(sets))
            return _scatters(gram, sets)

        bound = partial(_at_least, gram)
        found = best_subset(n, 2, score, gram.device, bound)
        assert sum(scored) <= 2 * FEW, name
        assert torch.equal(found, best_subset(n, 2, partial(_scatters, gram), gram.device)), name
        assert several_best(gram, 2, score, bound) == several_best(gram, 2, partial(_scatters, gram)), name
