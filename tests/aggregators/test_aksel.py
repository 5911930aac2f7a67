import torch

from fedprop.aggregators import Aksel


def test_half_of_the_rows_or_all_but_f_around_the_median() -> None:
    """The median is 3, and the nearest rows are 3, 4, 1, then -6, then 90."""
    rows = torch.tensor([[-6.0], [90.0], [1.0], [4.0], [3.0]], dtype=torch.float64)
    assert Aksel().aggregate(rows).weights.nonzero().flatten().tolist() == [2, 3, 4]
    assert Aksel(f=1)(rows).tolist() == [0.5]


def test_the_median_of_an_even_number_is_between_the_two_in_the_middle() -> None:
    """From 2, between 0 and 4, rows 0 and 4 are as near, and 1 is nearer: two of four are kept."""
    assert Aksel()(torch.tensor([[-9.0], [0.0], [4.0], [9.0]])).tolist() == [2.0]
    assert Aksel()(torch.tensor([[0.0], [4.0]])).tolist() == [0.0]


def test_rows_are_kept_whole() -> None:
    """The row that is 1 in the first coordinate, as the median is, is far away in the second."""
    rows = torch.tensor([[1.0, 99.0], [0.0, 0.0], [2.0, 1.0]])
    assert Aksel().aggregate(rows).weights.tolist() == [0.0, 0.5, 0.5]
