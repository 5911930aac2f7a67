"""Bucketing divides the variance of honest rows by the size of a bucket, and spoils no more buckets than rows.

Karimireddy, He and Jaggi, ICLR 2022, Lemma 1: of n rows of which a share delta is Byzantine, buckets of s rows have at
most a share s delta of Byzantine ones, the mean of the honest ones is in expectation that of the honest rows, and their
variance is at most 1 / s of the rows'. *Precondition:* the order is uniform, s divides n, and no row is Byzantine for
the exact equality: a bucket draws s of n rows without replacement, so that
E ||y - mean||^2 = (n - s) / (s (n - 1)) times the variance, at most 1 / s of it.
"""

from itertools import combinations

import pytest
import torch

from fedprop.aggregators import Bucketing, Cohort, Median

SEEDS = 400
ROWS = torch.tensor([[0.0, 1.0], [2.0, -3.0], [7.0, 0.5], [-4.0, 4.0]], dtype=torch.float64)


def buckets(seed: int, rows: torch.Tensor, s: int) -> frozenset[tuple[int, ...]]:
    """Who shares a bucket with whom."""
    mixing = Bucketing(s=s).apply(Cohort(rows, generator=torch.Generator().manual_seed(seed)), None).mixing
    return frozenset(tuple(row.nonzero().flatten().tolist()) for row in mixing)


def test_every_pairing_is_as_likely() -> None:
    """Of 4 rows in pairs there are three; each comes up a third of the time, give or take five standard deviations."""
    found = [buckets(seed, ROWS, 2) for seed in range(SEEDS)]
    assert len(set(found)) == 3
    assert all(abs(found.count(pairing) - SEEDS / 3) < 5 * (SEEDS * 2 / 9) ** 0.5 for pairing in set(found))


@pytest.mark.parametrize("s", [1, 2, 4])
def test_the_variance_falls_by_the_size_of_a_bucket(s: int) -> None:
    mean, n = ROWS.mean(dim=0), len(ROWS)
    means = torch.stack([ROWS[list(bucket)].mean(dim=0) for bucket in combinations(range(n), s)])
    variance = (ROWS - mean).square().sum(dim=1).mean()
    found = (means - mean).square().sum(dim=1).mean()
    assert float(found) == pytest.approx(float(variance) * (n - s) / (s * (n - 1)))
    assert float(found) <= float(variance) / s
    assert torch.allclose(means.mean(dim=0), mean)


def test_a_median_of_buckets_stays_among_honest_rows_for_any_order() -> None:
    """Two of nine rows spoil at most two of five buckets, whichever these are."""
    rows = torch.cat([torch.arange(7.0), torch.full((2,), 1e9)])[:, None]
    for seed in range(60):
        cohort = Cohort(rows, generator=torch.Generator().manual_seed(seed))
        staged = Bucketing(s=2).apply(cohort, None)
        assert int((staged.mixing[:, 7:] > 0).any(dim=1).sum()) <= 2
        assert 0.0 <= float((Bucketing(s=2) >> Median()).aggregate(cohort).value) <= 6.0
