import pytest
import torch

from fedprop.aggregators import Mean, ResidualReweighting
from fedprop.aggregators.columns import blocks_of
from fedprop.oracles.residual_reweighting import residual_reweighting as definition


def test_by_hand() -> None:
    """0, 1, 2, 3 and 100 lie on the line i but for the last, which it says is 4.

    Slopes from 0 to 3 have the median 1, from 4 it is (98 / 2 + 97) / 2 ..., so the slope is 1 and the intercept
    2 - 1 * 2 = 0. Residuals are 0 but for 96, and tau is epsilon: a confidence of about 1e-7 in 100, which gives way
    to 4, and 1 in all others. So client 4 has next to no weight, and the rest have a mean of 1.5.
    """
    rows = torch.tensor([[0.0], [1.0], [2.0], [100.0], [3.0]], dtype=torch.float64)
    found = ResidualReweighting().aggregate(rows)
    assert found.value.tolist() == pytest.approx([1.5])
    assert found.weights.tolist() == pytest.approx([0.25, 0.25, 0.25, 0, 0.25])


def test_weights_come_from_all_coordinates() -> None:
    """A client that stands out in one coordinate counts less in the other, where all have the same confidence."""
    rows = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [100.0, 3.0], [3.0, 4.0]], dtype=torch.float64)
    assert ResidualReweighting().aggregate(rows).value.tolist() == pytest.approx([1.5, 1.75])


def test_one_or_two_rows_are_averaged() -> None:
    rows = torch.tensor([[0.0], [3.0]])
    assert torch.equal(ResidualReweighting()(rows), Mean()(rows))
    assert torch.equal(ResidualReweighting()(rows[1:]), rows[1])


def test_blocks_of_few_columns_agree() -> None:
    rows = torch.randn(6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with blocks_of(6):
        one_by_one = ResidualReweighting()(rows)
    assert torch.allclose(one_by_one, ResidualReweighting()(rows), rtol=1e-13)


def test_of_equal_values_later_rows_have_the_higher_rank() -> None:
    rows = torch.randint(0, 4, (24, 3), generator=torch.Generator().manual_seed(0)).double()
    defined = definition(rows.tolist(), lambda_=0.5)
    assert ResidualReweighting(lambda_=0.5)(rows).tolist() == pytest.approx(defined, rel=1e-9)


def test_equal_values_of_one_coordinate_leave_ranks_open() -> None:
    open_ranks = ResidualReweighting().contract().ambiguous
    assert open_ranks(torch.tensor([[1.0, 5.0], [9.0, 2.0], [7.0, 5.0]]))
    assert not open_ranks(torch.tensor([[1.0, 5.0], [5.0, 2.0], [7.0, 9.0]]))
