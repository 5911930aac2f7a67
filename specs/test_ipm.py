"""Inner product manipulation turns a mean against the honest one exactly from a factor on.

Theorem. Of n rows, m of them -epsilon times the mean h of the other n - m, the mean is ((n - m) - m epsilon) / n times
h. So its inner product with h is below zero if and only if epsilon > (n - m) / m, and no smaller factor does it,
however many directions the honest rows scatter in (Xie, Koyejo and Gupta, UAI 2020, for the mean; reconstructed).

Preconditions. The attack sees all honest rows, 1 <= m < n, and h is not zero.

Proof sketch. The sum of the honest rows is (n - m) h, that of the others -m epsilon h. Attacked by drawing rows,
numbers of them, and factors on both sides of the limit.
"""

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from fedprop.aggregators import Mean
from fedprop.attacks import IPM, View

ROWS = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.lists(st.integers(-9, 9).map(float), min_size=d, max_size=d), min_size=1, max_size=9)
)


def refuses(rows: torch.Tensor, f: int) -> torch.Tensor:
    """A rule that nobody asks."""
    raise AssertionError("the factor is fixed")


@given(ROWS, st.integers(1, 9), st.floats(0.01, 100))
def test_the_mean_turns_round_exactly_from_that_factor_on(rows: list[list[float]], m: int, ratio: float) -> None:
    honest = torch.tensor(rows, dtype=torch.float64)
    h, limit = honest.mean(dim=0), len(rows) / m
    assume(bool(h.norm() > 0) and abs(ratio - 1) > 1e-6)
    view = View(torch.zeros(m, honest.shape[1]).double(), honest, torch.zeros_like(h), refuses, torch.Generator())
    sent = IPM(epsilon=ratio * limit).answer(view).rows
    product = float(Mean()(torch.cat([honest, sent])) @ h)
    assert (product < 0) == (ratio > 1)
    expected = (len(rows) - m * ratio * limit) / (len(rows) + m) * float(h @ h)
    assert abs(product - expected) <= 1e-9 * (1 + ratio) * float(h @ h)
