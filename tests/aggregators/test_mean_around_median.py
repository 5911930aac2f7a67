import pytest
import torch

from fedprop.aggregators import Mean, MeanAroundMedian, Region
from fedprop.aggregators.mean_around_median import shares_around_median
from fedprop.errors import TooFewUpdates


def test_averages_the_values_nearest_to_the_median() -> None:
    rows = torch.tensor([[0.0, -9.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [90.0, 4.0]])
    assert MeanAroundMedian(f=1)(rows).tolist() == [1.5, 2.5]


def test_the_smaller_of_two_values_equally_far_is_kept() -> None:
    assert float(MeanAroundMedian(f=1)(torch.tensor([[4.0], [2.0], [0.0]]))) == 1.0


def test_a_median_of_two_middle_values() -> None:
    assert float(MeanAroundMedian(f=1)(torch.tensor([[0.0], [4.0], [7.0], [8.0]]))) == pytest.approx(19 / 3)


def test_without_byzantine_rows_it_is_the_mean() -> None:
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(MeanAroundMedian(f=0)(rows), Mean()(rows))


def test_the_nearest_values_are_neighbours_in_the_order() -> None:
    ordered = torch.tensor([[0.0, 1.0, 2.0, 3.0, 9.0], [-9.0, -8.0, 2.0, 3.0, 4.0]])
    assert (shares_around_median(ordered, 3) * 3).tolist() == [[0, 1, 1, 1, 0], [0, 0, 1, 1, 1]]


def test_values_near_the_largest_float_do_not_overflow() -> None:
    rows = torch.tensor([[3e38], [3e38], [-3e38]])
    assert float(MeanAroundMedian(f=1)(rows)) == float(rows[0])


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 2f \+ 1 for MeanAroundMedian; found n=4, f=2"):
        MeanAroundMedian(f=2)(torch.zeros(4, 1))


def test_a_byzantine_value_near_the_median_is_averaged() -> None:
    """Honest 0, 2, 9 and one at -1: the answer is below every honest value's mean, and the claim is the box of all."""
    contract = MeanAroundMedian(f=1).contract()
    assert contract.lies_in is Region.BOX
    assert float(MeanAroundMedian(f=1)(torch.tensor([[0.0], [2.0], [9.0], [-1.0]]))) == pytest.approx(1 / 3)


def test_either_answer_to_a_tie_is_without_regret() -> None:
    regret = MeanAroundMedian(f=1).contract().regret
    assert regret is not None
    rows = torch.tensor([[4.0], [0.0], [2.0]])
    assert [regret(rows, torch.tensor([z])) for z in (1.0, 3.0, 2.0)] == [0.0, 0.0, 0.25]


def test_a_window_that_reaches_farther_is_no_tie() -> None:
    """Around 2 of 0, 2, 5 the nearer two are 0 and 2, whose mean is 1; 3.5 would be the others'."""
    regret = MeanAroundMedian(f=1).contract().regret
    assert regret is not None
    rows = torch.tensor([[0.0], [2.0], [5.0]])
    assert [regret(rows, torch.tensor([z])) for z in (1.0, 3.5)] == [0.0, 0.5]
    assert regret(rows + 1000, torch.tensor([1003.5])) == 0.5
