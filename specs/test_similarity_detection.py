"""Similarity detection drops at most a share of the suspects, keeps benign groups, and does not mind who comes first.

The step is Algorithm 4 of Lu et al. 2024 (HeteroFL): clusters by the relative similarity of rows, groups with a row of
each cluster, and of the rows in all groups but those of the largest cluster of groups the share beta with the lowest
similarity is dropped. The statements are ours.

Groups. Each row is in exactly one group; there are as many groups as the largest cluster has rows, and no group has two
rows of one cluster. *Precondition:* none.

All of this holds whether a row's own cosine is among those that make its score (`self_similarity`) or not.

Share. At most floor(beta (n - b)) rows go, where b >= 1 rows are in benign groups, and none of these. So somebody
stays, and fewer than beta n go, for any beta.

Nobody goes where all are alike: rows with equal cosines with each other have equal scores, and so have their groups of
one. *Precondition:* exactly equal scores. Rows that are merely near each other are clustered as well, whatever tells
them apart, and honest ones are dropped: the step has no threshold below which rows are alike. The last test shows it.

Order. Rows in another order, each with its client, are the same round: the draw goes by client. With one group for each
row (all scores differ by a lot) there is nothing to draw.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import Cohort, SimilarityDetection
from fedprop.aggregators.angles import cosines
from fedprop.aggregators.mean_shift import clusters
from fedprop.aggregators.relative_similarity import relative_similarity
from fedprop.aggregators.similarity_detection import (
    cosines_of_means,
    counted,
    drawn_places,
    grouped,
    most_similar,
)
from fedprop.properties import cases


def cohort_of(rows: torch.Tensor, seed: int, clients: tuple[int, ...] = ()) -> Cohort:
    return Cohort(rows, clients, generator=torch.Generator().manual_seed(seed))


def gone(rows: torch.Tensor, seed: int, beta: float, own: bool = True) -> set[int]:
    step = SimilarityDetection(beta=beta, self_similarity=own)
    kept = step.answer(cohort_of(rows, seed), None).cohort.clients
    return set(range(len(rows))) - set(kept)


@given(case=cases(f=2, min_rows=4, extra=8), beta=st.sampled_from([0.1, 0.3, 0.5, 0.99, 1.0]), own=st.booleans())
def test_at_most_the_share_of_the_suspects_goes(case, beta: float, own: bool) -> None:
    """With beta = 1 all suspects go, which shows who they are; with less, the lowest of them, in the same order."""
    rows = case.rows.double()
    suspects = gone(rows, case.seed, 1.0, own)
    found = gone(rows, case.seed, beta, own)
    assert found <= suspects
    assert len(suspects) < len(rows)
    assert len(found) == int(beta * len(suspects) + 1e-9)
    scores = counted(relative_similarity(cosines(rows), self_similarity=own))
    assert all(scores[i] <= scores[j] for i in found for j in suspects - found)


@given(case=cases(f=2, min_rows=4, extra=8))
def test_groups_have_one_row_of_each_cluster(case) -> None:
    labels = clusters(counted(relative_similarity(cosines(case.rows)))[:, None], 0.3).labels
    groups = grouped(labels, drawn_places(cohort_of(case.rows, case.seed)))
    pairs = list(zip(groups.tolist(), labels.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert int(groups.max()) + 1 == int(labels.bincount().max())
    assert set(groups.tolist()) == set(range(int(groups.max()) + 1))


@given(case=cases(f=2, min_rows=4, extra=8))
def test_means_are_compared_as_they_are(case) -> None:
    """By way of cosines and lengths of rows alone; a sum that cancels has no direction."""
    rows = case.rows.double()
    groups = torch.arange(len(rows)) % 3
    found = cosines_of_means(groups, cosines(rows), rows.norm(dim=1))
    sums = torch.stack([rows[groups == k].sum(dim=0) for k in range(3)])
    sizes = torch.stack([rows[groups == k].norm() for k in range(3)])
    lengths = sums.norm(dim=1)
    clear = (lengths > 0.01 * sizes).nonzero().flatten()
    units = sums[clear] / lengths[clear, None]
    assert torch.allclose(found[clear][:, clear], units @ units.T, atol=1e-9)
    assert not found[lengths <= 1e-4 * sizes].any()


@pytest.mark.parametrize("rows", [torch.eye(9), torch.ones(9, 3), 0.3 + torch.eye(9)], ids=["apart", "equal", "near"])
def test_nobody_goes_where_all_cosines_are_equal(rows: torch.Tensor) -> None:
    assert all(gone(rows, seed, 1.0, own) == set() for seed in range(5) for own in (True, False))


@given(case=cases(f=2, min_rows=4, extra=8), seed=st.integers(0, 99))
def test_the_order_of_arrival_does_not_matter(case, seed: int) -> None:
    rows, n = case.rows.double(), len(case.rows)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    stage = SimilarityDetection(beta=0.5)
    first = stage.answer(cohort_of(rows, case.seed), None).cohort.clients
    again = stage.answer(cohort_of(rows[order], case.seed, tuple(order.tolist())), None).cohort.clients
    assert sorted(again) == sorted(first)


def test_equally_large_clusters_are_told_apart_by_their_scores() -> None:
    for order in ([0, 1, 2, 3], [2, 0, 3, 1], [3, 2, 1, 0]):
        scores = torch.tensor([0.5, 0.5, 3.0, 3.0], dtype=torch.float64)[order]
        assert torch.equal(most_similar(clusters(scores[:, None], 0.3)), scores == 3.0)


def test_honest_rows_that_are_merely_near_may_go() -> None:
    """Just outside the precondition: every cosine is above 0.99, and yet rows are dropped in most rounds."""
    draw = torch.Generator().manual_seed(0)
    rounds = [1 + 0.05 * torch.randn(20, 10, generator=draw, dtype=torch.float64) for _ in range(20)]
    assert all(bool((cosines(rows) > 0.97).all()) for rows in rounds)
    assert sum(gone(rows, seed, 0.3) != set() for seed, rows in enumerate(rounds)) > 10
