import torch

from fedprop.aggregators import Median


def test_odd_number_of_rows() -> None:
    assert Median()(torch.tensor([[3.0, 1.0], [1.0, 2.0], [2.0, 9.0]])).tolist() == [2.0, 2.0]


def test_even_number_of_rows_averages_the_two_middle_values() -> None:
    assert float(Median()(torch.tensor([[1.0], [2.0], [3.0], [10.0]]))) == 2.5


def test_single_row() -> None:
    assert Median()(torch.tensor([[7.0, -1.0]])).tolist() == [7.0, -1.0]


def test_middle_values_near_the_largest_float_do_not_overflow() -> None:
    assert float(Median()(torch.full((2, 1), 3e38))) == float(torch.tensor(3e38))


def test_coefficient_and_tolerance() -> None:
    contract = Median().contract()
    assert contract.kappa is not None
    assert [contract.kappa.bound(*nf) for nf in ((3, 1), (5, 1), (4, 1), (10, 0))] == [1.0, 1.0, 0.5, 8 / 12]
    assert [max(contract.tolerates(n)) for n in (1, 2, 3, 4, 5)] == [0, 0, 1, 1, 2]
