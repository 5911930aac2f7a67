import pytest
import torch

from fedprop.aggregators import CAF, Mean
from fedprop.errors import TooFewUpdates


def test_by_hand_on_a_line() -> None:
    """From the mean 4 of 0, 0, 2, 14 the squares are 16, 16, 4, 100, so the weights become 0.84, 0.84, 0.96, 0.

    They add up to 2.64 > 4 - 2, so one more mean is looked at, 1.92 / 2.64, and it has the lesser variance.
    """
    rows = torch.tensor([[0.0], [0.0], [2.0], [14.0]], dtype=torch.float64)
    answer = CAF(f=1).aggregate(rows)
    assert answer.value.tolist() == pytest.approx([1.92 / 2.64])
    assert answer.weights.tolist() == pytest.approx([0.84 / 2.64, 0.84 / 2.64, 0.96 / 2.64, 0.0])


def test_where_no_direction_is_the_first_all_of_them_count() -> None:
    """Four rows scatter alike in both directions; the distances are in the plane, and all rows are as far out."""
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [0.0, 0.0]], dtype=torch.float64)
    assert CAF(f=1)(rows).tolist() == pytest.approx([0.0, 0.0], abs=1e-15)


def test_directions_are_equal_but_for_rounding() -> None:
    """The same cross turned, around three rows at its centre: all four are as far out, and go at once."""
    for turn in (0.3, 0.7, 1.0):
        angles = turn + torch.arange(4, dtype=torch.float64) * torch.pi / 2
        rows = torch.cat([torch.stack([angles.cos(), angles.sin()], dim=1), torch.zeros(3, 2, dtype=torch.float64)])
        assert CAF(f=2).aggregate(rows).weights.tolist() == pytest.approx([1 / 7] * 7)


def test_without_byzantine_rows_it_is_the_mean() -> None:
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(CAF(f=0)(rows), Mean()(rows))


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 2f \+ 1 for CAF; found n=4, f=2"):
        CAF(f=2)(torch.zeros(4, 1))
