import pytest
import torch

from fedprop.aggregators import Cohort, MagnitudeRectification, Mean, Median, Region


def rows_of(*lengths: float, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.tensor([[length, 0.0] if i % 2 else [0.0, -length] for i, length in enumerate(lengths)], dtype=dtype)


def test_by_hand() -> None:
    """Lengths 1, 2, 2.5, 4 and 40 have the median 2.5 and the ratios 2.5, 1.25, 1, 1.6 and 16.

    The two smallest have the mean 1.125 and the deviation 0.125: the bound is 8 * 1.25 = 10, and only 40 goes. The mean
    of the other lengths is 2.375.
    """
    rows = rows_of(1.0, 2.0, 2.5, 4.0, 40.0)
    cohort = Cohort(rows, (5, 6, 7, 8, 9), (1, 2, 3, 4, 5), (0, 0, 0, 2, 0))
    staged = MagnitudeRectification().answer(cohort, None)
    assert (staged.cohort.clients, staged.cohort.examples) == ((5, 6, 7, 8), (1, 2, 3, 4))
    assert staged.mixing.sum(dim=1).tolist() == pytest.approx([2.375, 2.375 / 2, 0.95, 2.375 / 4])
    assert MagnitudeRectification()(rows).norm(dim=1).tolist() == pytest.approx([2.375] * 4)
    found = (MagnitudeRectification() >> Mean()).aggregate(cohort)
    assert found.value.tolist() == pytest.approx([2.375 / 2, -2.375 / 2])
    assert torch.allclose(found.weights @ rows, found.value)  # type: ignore[operator]


def test_a_ratio_at_the_bound_stays() -> None:
    """Ratios 1, 1, 1, 1 and 8: the bound is 8. Short rows go as long ones do."""
    assert len(MagnitudeRectification()(rows_of(0.1, 0.1, 0.8, 0.1, 0.1))) == 5
    assert len(MagnitudeRectification()(rows_of(0.1, 0.1, 0.801, 0.1, 0.1))) == 4
    assert len(MagnitudeRectification()(rows_of(0.8, 0.8, 0.1, 0.8, 0.8))) == 5
    assert len(MagnitudeRectification()(rows_of(0.8, 0.8, 0.099, 0.8, 0.8))) == 4


def test_of_an_even_number_the_median_is_the_mean_of_two() -> None:
    """3 of 2 and 4: ratios 1.5, 1.5, 1.33 and 3. The two smallest have the mean 1.42 and the deviation 0.083."""
    rows = rows_of(2.0, 2.0, 4.0, 9.0)
    assert len(MagnitudeRectification(times=2.0)(rows)) == 4
    assert len(MagnitudeRectification(times=1.999)(rows)) == 3


def test_rows_of_zeros_go_unless_most_are() -> None:
    rectify = MagnitudeRectification()
    assert rectify(rows_of(0.0, 1.0, 3.0)).tolist() == [[2.0, 0.0], [0.0, -2.0]]
    assert rectify(rows_of(0.0, 5.0)).tolist() == [[5.0, 0.0]]
    assert rectify(rows_of(0.0, 5.0, 0.0, 5.0)).tolist() == [[5.0, 0.0]] * 2
    assert rectify(rows_of(0.0, 5.0, 0.0)).tolist() == [[0.0, 0.0]] * 2
    assert rectify(rows_of(0.0, 0.0)).tolist() == [[0.0, 0.0]] * 2
    assert rectify(rows_of(4.0)).tolist() == [[0.0, -4.0]]


@pytest.mark.parametrize("unit", [1.0, 1e200, 1e-200, 1e-300])
def test_rows_of_any_size(unit: float) -> None:
    rows = rows_of(1.0, 2.0, 2.5, 4.0, 40.0)
    assert torch.allclose(MagnitudeRectification()(rows * unit) / unit, MagnitudeRectification()(rows))
    assert len(MagnitudeRectification()(torch.cat([rows * unit, rows_of(1e300)]))) >= 4


def test_rows_at_the_end_of_the_range_stay_finite() -> None:
    """A row along both axes is longer than any number; one along one axis cannot be stretched as far."""
    for dtype in (torch.float32, torch.float64):
        largest = torch.finfo(dtype).max
        rows = torch.tensor([[largest, largest], [0, largest], [-largest, largest]], dtype=dtype)
        found = MagnitudeRectification()(rows)
        assert found[1].tolist() == [0, largest]
        assert torch.isfinite(found).all()


def test_what_a_rule_may_claim_of_other_rows() -> None:
    contract = (MagnitudeRectification() >> Median()).contract()
    assert (contract.lies_in, contract.kappa, contract.translation) == (Region.ANYWHERE, None, False)
    assert (contract.permutation, contract.scaling) == (True, True)
    assert (MagnitudeRectification() >> Mean()).contract().orthogonal
