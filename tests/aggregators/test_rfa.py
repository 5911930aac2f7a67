import pytest
import torch

from fedprop.aggregators import RFA, Cohort
from fedprop.oracles.rfa import rfa

HUGE = 1e307


def test_by_hand() -> None:
    """From the mean 3 the rows at 0 are 3 away and the one at 9 is 6: weights 1/3, 1/3, 1/6 have the mean 9/5."""
    rows = torch.tensor([[0.0], [0.0], [9.0]], dtype=torch.float64)
    found = RFA(passes=1).aggregate(rows)
    assert found.value.tolist() == pytest.approx([1.8])
    assert found.weights.tolist() == pytest.approx([0.4, 0.4, 0.2])
    # Then they are 1.8 and 7.2 away.
    assert RFA(passes=2)(rows).tolist() == pytest.approx([9 / 7.2 / (2 / 1.8 + 1 / 7.2)])


def test_claims_weigh_the_rows_and_equal_ones_do_not_merge() -> None:
    """Claims 3 and 1: from the mean 1 the weights are 3 / 1 and 1 / 3."""
    rows = torch.tensor([[0.0], [4.0]], dtype=torch.float64)
    assert RFA(passes=1).aggregate(Cohort(rows, examples=(3, 1))).value.tolist() == pytest.approx([0.4])
    assert RFA(passes=1, weighting="uniform").aggregate(Cohort(rows, examples=(3, 1))).value.tolist() == [2.0]
    assert RFA().aggregate(Cohort(rows, examples=(0, 0))).value.tolist() == pytest.approx([2.0])


def test_a_row_at_the_mean_is_smoothed() -> None:
    rows = torch.tensor([[-1.0], [0.0], [5.0], [-4.0]], dtype=torch.float64)
    assert RFA(passes=1, nu=0.5, weighting="uniform")(rows).tolist() == pytest.approx([(-1 + 1 - 1) / 3.45])


@pytest.mark.parametrize("sizes", [(HUGE, HUGE / 4), (HUGE, -1e200), (1e200, 1e-200)])
def test_giants_carry_it_off_as_defined(sizes: tuple[float, float]) -> None:
    rows = torch.randn(7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows[1], rows[4] = rows[1].sign() * sizes[0], rows[4].sign() * sizes[1]
    assert torch.allclose(RFA()(rows), torch.tensor(rfa(rows.tolist()), dtype=torch.float64), rtol=1e-6)
