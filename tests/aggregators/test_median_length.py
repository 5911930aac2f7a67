import pytest
import torch

from fedprop.aggregators.median_length import cut_to_median


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_longer_rows_are_cut_to_the_median() -> None:
    factors, length = cut_to_median(column(1.0, -4.0, 2.0))
    assert (factors.tolist(), float(length)) == ([1.0, 0.5, 1.0], 2.0)
    factors, length = cut_to_median(column(0.0, 1.0, 3.0, 8.0))
    assert (factors.tolist(), float(length)) == (pytest.approx([1.0, 1.0, 2 / 3, 0.25]), 2.0)


@pytest.mark.parametrize("unit", [1e-250, 1e-170, 1.0, 1e170, 1e250])
def test_lengths_whose_squares_are_beyond_floats_are_cut_alike(unit: float) -> None:
    factors, length = cut_to_median(column(3 * unit, 5 * unit, -1.5 * unit))
    assert factors.tolist() == pytest.approx([1.0, 0.6, 1.0], rel=1e-12)
    assert float(length) == pytest.approx(3 * unit, rel=1e-12)


def test_the_middle_one_is_neither_a_giant_nor_next_to_nothing() -> None:
    """Whatever its leading digits are."""
    for middle in (1.0, 1.5, 7.0):
        factors, length = cut_to_median(column(1.9e250, 1.1e-250, middle, 1.2e200, 1.8e-200))
        assert factors.tolist() == pytest.approx([middle / 1.9e250, 1.0, 1.0, middle / 1.2e200, 1.0], rel=1e-12, abs=0)
        assert float(length) == pytest.approx(middle, rel=1e-12)


def test_the_longest_row_that_there_can_be_is_cut_to_the_median_length():
    """Its factor is below the least normal number; a row too short for its square stays as it is."""
    longest = torch.finfo(torch.float64).max
    rows = torch.tensor([[longest, longest], [3.0, 4.0], [0.0, 5.0], [1e-300, 0.0]], dtype=torch.float64)
    cut = cut_to_median(rows)
    assert float(cut.length) == 5.0
    assert cut.factors[1:].tolist() == [1.0] * 3
    assert (cut.factors[0] * rows[0]).tolist() == pytest.approx([5 / 2**0.5] * 2)
