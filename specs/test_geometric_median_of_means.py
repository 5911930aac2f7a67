"""A geometric median of k means stays near where most of the means are.

Let f of n rows be Byzantine, f < k / 2, in k batches of at least b = floor(n / k) rows.

**Theorem 1** (Chen, Su and Xu 2017, Lemma 1, for the exact median). If k - f means lie within r of a point p, the
answer z is within 2 (k - f) / (k - 2f) r of p. *Proof.* The sum of ||z - m_l|| is at most that of ||p - m_l||; a good
batch gives ||z - m_l|| >= ||z - p|| - ||p - m_l||, a bad one ||z - m_l|| >= ||p - m_l|| - ||z - p||. So
(k - 2f) ||z - p|| <= 2 times the sum over good batches of ||p - m_l||.

**Theorem 2** (derived here). The rule is (f, kappa)-robust with kappa = 4 (k - f) (n - f) / (b (k - 2f)^2). *Proof.*
Let p be the honest mean and V the honest variance. By Jensen ||p - m_l||^2 is at most the mean of ||p - x_i||^2 over
the batch, so the squares of g good batches add up to (n - f) V / b at most, and the distances to
sqrt(g (n - f) V / b). With m <= f spoiled batches and g = k - m, sqrt(g) / (k - 2m) is largest for m = f.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import GeometricMedian, GeometricMedianOfMeans
from fedprop.properties import Case, cases
from fedprop.properties.comparison import tolerance
from fedprop.properties.robustness import ROUNDED_ONE, errors_and_spreads, honest_sets


def constant(k: int, n: int, f: int) -> float:
    kappa = GeometricMedianOfMeans(k=k).contract().kappa
    assert kappa is not None
    return kappa.bound(n, f)


@given(k=st.integers(3, 5), case=cases(f=1, min_rows=5, extra=6))
def test_the_error_never_exceeds_the_constant(k: int, case: Case) -> None:
    rows, n, rule = case.rows.double(), len(case.rows), GeometricMedianOfMeans(k=k)
    errors, spreads = errors_and_spreads(rows, rule(rows), honest_sets(n, 1, case.seed))
    slack = tolerance(rule.contract(), rows) * rows.shape[1]
    assert (errors <= constant(k, n, 1) ** 0.5 * spreads * ROUNDED_ONE + slack).all()


@given(k=st.integers(3, 7), case=cases(f=1, min_rows=7, extra=6))
def test_most_means_hold_it(k: int, case: Case) -> None:
    f, rows = (k - 1) // 2, case.rows.double()
    rows[: f * (len(rows) // k)] *= 1e3  # at most f batches
    means = torch.stack([part.mean(dim=0) for part in rows.tensor_split(k)])
    point = means[-1]
    radius = (means - point).norm(dim=1).sort().values[k - f - 1]
    away = float((GeometricMedianOfMeans(k=k)(rows) - point).norm())
    assert away <= 2 * (k - f) / (k - 2 * f) * float(radius) + 1e-5 * float(rows.abs().max())


def test_the_constant_of_single_rows_is_that_of_the_median() -> None:
    kappa = GeometricMedian().contract().kappa
    assert kappa is not None
    for n in range(3, 12):
        for f in range((n + 1) // 2):
            assert constant(n, n, f) == pytest.approx(kappa.bound(n, f))


def test_half_of_the_batches_spoiled_are_too_many() -> None:
    rows = torch.tensor([[0.0], [0.0], [1e9], [0.0], [1e9], [0.0]], dtype=torch.float64)
    assert float(GeometricMedianOfMeans(k=3)(rows)) > 1e8
    assert float(GeometricMedian()(rows)) == 0.0
