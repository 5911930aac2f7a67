"""Each pass of RFA lowers the smoothed sum of distances, and no number of them resists a row that is far enough away.

Write h(t) = t for t >= nu and t^2 / (2 nu) + nu / 2 below, and g(v) = sum of alpha_i h(||v - x_i||).

**Theorem 1** (Pillutla, Kakade and Harchaoui 2022, on Algorithm 2; Beck and Sabach 2015). A pass never raises g.
*Proof.* With r_i = max(nu, ||v_t - x_i||), the sum of alpha_i (||v - x_i||^2 / r_i + r_i) / 2 is at least g(v), equal
at v_t, and least at the next v.

**Theorem 2** (n rows at 0 and one at distance D, equal weights). After k passes the answer is D times a number that
does not depend on D, if D is large, so it is unbounded; the geometric median is 0. *Proof.* With v = c D a pass gives
the rows at 0 the weight 1 / c and the other one 1 / (1 - c): c' = c / (n (1 - c) + c).
"""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import RFA, GeometricMedian
from fedprop.properties import Case, cases

NU = 1e-3


def smoothed(rows: torch.Tensor, v: torch.Tensor) -> float:
    away = (rows - v).norm(dim=1)
    return float(torch.where(away >= NU, away, away.square() / (2 * NU) + NU / 2).mean())


@given(case=cases(f=0), f=st.integers(0, 2))
def test_no_pass_raises_the_sum_of_distances(case: Case, f: int) -> None:
    rows = case.rows.double()
    sums = [smoothed(rows, rows.mean(dim=0))]
    sums += [smoothed(rows, RFA(passes=k, nu=NU)(rows)) for k in (1, 2)]
    slack = 1e-9 * float((rows - rows[0]).abs().max()) + 1e-12 * float(rows.abs().max())
    assert all(after <= before + slack for before, after in pairwise(sums))


def test_many_passes_are_the_geometric_median() -> None:
    rows = torch.randn(9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    away = [float((RFA(passes=k)(rows) - GeometricMedian()(rows)).norm()) for k in (1, 3, 300)]
    assert away[0] > away[1] > 1e-3
    assert away[2] < 1e-6


@pytest.mark.parametrize("passes", [1, 3, 4])
def test_a_row_far_enough_away_carries_a_few_passes_off(passes: int) -> None:
    n, share = 4, 1 / 5
    for _ in range(passes):
        share = share / (n * (1 - share) + share)
    for far in (1e6, 1e12):
        rows = torch.tensor([[0.0]] * n + [[far]], dtype=torch.float64)
        assert float(RFA(passes=passes)(rows)) == pytest.approx(share * far)
        assert float(GeometricMedian()(rows)) == 0.0
