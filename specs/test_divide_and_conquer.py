"""The order of coordinates, and of rows, does not matter to divide-and-conquer in distribution.

**Theorem** (Shejwalkar and Houmansadr, NDSS 2021, Algorithm 2: coordinates are drawn uniformly). With another order of
the coordinates the set of rows that are kept has the same distribution; with another order of the rows each draw keeps
the same rows, up to equal scores. *Proof.* A uniform subset of coordinates stays uniform when they are renamed, and
scores are a function of the inner products on the subset, which are renamed with the rows.

**Consequence.** f rows far away in one direction that every sample sees are left out whatever is drawn, with b = d.
"""

from itertools import combinations

import torch

from fedprop.aggregators import Cohort, DivideAndConquer

SEEDS = 200
ROWS = torch.randn(6, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def kept(rows: torch.Tensor, seed: int, b: int = 2) -> tuple[int, ...]:
    rule = DivideAndConquer(f=2, b=b)
    weights = rule.aggregate(Cohort(rows, generator=torch.Generator().manual_seed(seed))).weights
    return tuple(weights.nonzero().flatten().tolist())


def by_hand(rows: torch.Tensor, chosen: tuple[int, ...]) -> tuple[int, ...]:
    part = rows[:, list(chosen)] - rows[:, list(chosen)].mean(dim=0)
    scores = (part @ torch.linalg.svd(part).Vh[0]).square()
    return tuple(sorted(scores.argsort()[:4].tolist()))


def test_the_order_of_coordinates_changes_no_distribution() -> None:
    """Each of the 6 pairs is drawn a sixth of the time, give or take five standard deviations, in both orders."""
    pairs = [by_hand(ROWS, pair) for pair in combinations(range(4), 2)]
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        found = [kept(ROWS[:, order], seed) for seed in range(SEEDS)]
        assert set(found) == set(pairs)
        for rows in set(pairs):
            share = pairs.count(rows) / 6
            assert abs(found.count(rows) - SEEDS * share) < 5 * (SEEDS * share * (1 - share)) ** 0.5


def test_the_order_of_rows_changes_nothing_at_all() -> None:
    order = [3, 5, 0, 1, 4, 2]
    for seed in range(40):
        assert sorted(order[i] for i in kept(ROWS[order], seed)) == list(kept(ROWS, seed))


def test_rows_far_away_in_one_direction_are_left_out() -> None:
    rows = ROWS.clone()
    rows[[1, 4]] += 100.0
    assert kept(rows, 0, b=4) == (0, 2, 3, 5)
    # Opposite each other they stretch the scatter as well.
    rows[4] -= 200.0
    assert kept(rows, 0, b=4) == (0, 2, 3, 5)
