"""The search for sets of near rows."""

import torch

from fedprop.aggregators.cliques import least_reach


def test_the_least_reach_may_be_passed_by_rounding() -> None:
    apart = torch.tensor([[0.0, 1.0, 1 + 1e-12], [1.0, 0.0, 1.0], [1 + 1e-12, 1.0, 0.0]], dtype=torch.float64)
    assert least_reach(apart, 3, 1e-9) == 1.0
    assert least_reach(apart, 3, 0.0) == 1 + 1e-12
    assert least_reach(apart, 2, 0.0) == 1.0
