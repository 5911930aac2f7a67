"""Adaptive clipping leaves no row longer than the longest honest one, and triples a coefficient at most.

Allouah et al., ICLR 2025 (adaptive robust clipping), for n >= 2f + 1 and k the whole part of 2 f (n - f) / n.

**Theorem 1.** Behind the stage no row is longer than the longest honest one. *Proof.* k >= f, since 2 (n - f) >= n; so
of the k + 1 longest rows one is honest, and all are cut to the shortest of them.

**Theorem 2.** If a rule is (f, kappa)-robust, it is (f, 3 kappa)-robust behind the stage. A search over rows (d <= 2)
for the trimmed mean, whose kappa is exact, found twice its kappa and never more; the last test has such rows.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.aggregators import AdaptiveClipping, Median, TrimmedMean
from fedprop.properties import Case, cases
from fedprop.properties.comparison import tolerance
from fedprop.properties.robustness import ROUNDED_ONE, errors_and_spreads, honest_sets
from fedprop.verify.hunting.search import ratio


@settings(max_examples=settings.default.max_examples // 2)
@given(st.integers(0, 3).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1)))
def test_lengths_and_errors_are_bounded(case: Case) -> None:
    rows, n, stage = case.rows.double(), len(case.rows), AdaptiveClipping(f=case.f)
    longest = float(rows[list(case.honest)].norm(dim=1).max())
    assert float(stage(rows).norm(dim=1).max()) <= longest * ROUNDED_ONE
    for rule in (stage >> TrimmedMean(f=case.f), stage >> Median()):
        kappa = rule.contract().kappa
        assert kappa is not None
        errors, spreads = errors_and_spreads(rows, rule(rows), honest_sets(n, case.f, case.seed))
        slack = tolerance(rule.contract(), rows) * rows.shape[1]
        assert (errors <= kappa.bound(n, case.f) ** 0.5 * spreads * ROUNDED_ONE + slack).all()


def test_the_coefficient_itself_is_not_kept() -> None:
    """Of (1000, 1001) and (1000, 1000) the first is cut to about (999.5, 1000.5): the smaller of both is the median.

    So the answer is about (999.5, 1000) where the mean is (1000, 1000.5), twice the variance of 1/4 away.
    """
    rows = torch.tensor([[1000.0, 1001.0], [1000.0, 1000.0], [0.0, 0.0]], dtype=torch.float64)
    found = ratio(AdaptiveClipping(f=1) >> TrimmedMean(f=1), rows, 1)
    assert found == pytest.approx(2.0, rel=1e-2)
    assert ratio(TrimmedMean(f=1), rows, 1) <= 1.0 < found < 3.0
