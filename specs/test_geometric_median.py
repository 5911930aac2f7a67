"""The geometric median: what is computed is optimal, and few Byzantine rows cannot carry it away.

**Theorem 1 (Kuhn, Mathematical Programming 1973).** z minimises sum_i alpha_i ||z - x_i|| exactly if the unit pulls
alpha_i (x_i - z) / ||x_i - z|| of the rows elsewhere add up to no more than the weight of the rows at z.
*Proof sketch.* The objective is convex and this says that zero is a subgradient.

**Theorem 2 (Allouah et al., AISTATS 2023, Table 1).** For f < n / 2 and every set S of n - f rows,
||z - mean_S||^2 <= 4 (1 + f / (n - 2f))^2 * variance of S.
*Proof sketch.* Move from mean_S to z: every row of S comes closer by at most ||z - mu||, and is farther from z than
||z - mu|| - ||x_i - mu||; the f others win at most f ||z - mu||. As z is no worse than mu,
(n - 2f) ||z - mu|| <= 2 sum over S of ||x_i - mu||. Square and use Cauchy-Schwarz.
"""

import pytest
import torch
from hypothesis import given, target
from hypothesis import strategies as st

from fedprop.aggregators import Cohort, GeometricMedian
from fedprop.oracles.geometric_median import residual
from fedprop.properties import Case, cases
from fedprop.properties.comparison import difference, tolerance
from fedprop.properties.robustness import errors_and_spreads, honest_sets

RULE = GeometricMedian()
"""With its default tolerance and smoothing of 1e-6."""

with_minorities = st.integers(0, 4).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1))


@given(with_minorities)
def test_output_satisfies_kuhns_condition(case: Case) -> None:
    rows = case.rows.double()
    z = RULE(rows)
    radius = 1e-5 * float(torch.pdist(rows).median()) if len(rows) > 1 else 0.0
    badness = residual(rows.tolist(), z.tolist(), radius=max(radius, 1e-12 * float(z.abs().max())))
    target(badness)
    assert badness <= 1e-6 or difference(rows[0], z) <= tolerance(RULE.contract(), rows)


@given(with_minorities)
def test_error_is_bounded_by_kappa_for_every_f(case: Case) -> None:
    rows = case.rows.double()
    z, n = RULE(rows), len(rows)
    slack = tolerance(RULE.contract(), rows) * rows.shape[1]
    for f in range((n + 1) // 2):
        errors, spreads = errors_and_spreads(rows, z, honest_sets(n, f, case.seed))
        assert (errors <= 2 * (1 + f / (n - 2 * f)) * spreads + slack).all()


@pytest.mark.parametrize("far", [1e2, 1e10, 1e20])
@pytest.mark.parametrize("f", [1, 2, 4])
def test_a_minority_however_far_does_not_carry_it_away(f: int, far: float) -> None:
    rows = torch.randn(2 * f + 1, 5, generator=torch.Generator().manual_seed(f))
    reach = float(rows[f:].norm(dim=1).max())
    rows[:f] = far
    assert float(RULE(rows).norm()) <= (2 * (f + 1) + 1) * reach


def test_half_of_the_rows_carry_it_away() -> None:
    rows = torch.tensor([[1e6, 0.0], [1e6, 0.0], [0.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert float(RULE(rows).norm()) > 1e5


@given(st.integers(1, 4), st.integers(0, 99))
def test_example_weights_count_like_repeated_rows(repeats: int, seed: int) -> None:
    rows = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weighted = GeometricMedian(weighting="examples").aggregate(Cohort(rows, examples=(repeats, 1, 1, 1))).value
    repeated = RULE(torch.cat([rows[:1].expand(repeats - 1, 3), rows]))
    assert difference(weighted, repeated) <= 1e-6
