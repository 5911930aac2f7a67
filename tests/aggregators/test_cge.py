import torch

from fedprop.aggregators import CGE


def test_the_shortest_rows_are_averaged() -> None:
    """Lengths 5, 3, 4, 13 and 1: without the two longest, (0, 3), (4, 0) and (0, -1)."""
    rows = torch.tensor([[3.0, 4.0], [0.0, 3.0], [4.0, 0.0], [5.0, 12.0], [0.0, -1.0]], dtype=torch.float64)
    answer = CGE(f=2).aggregate(rows)
    assert torch.allclose(answer.value, torch.tensor([4 / 3, 2 / 3], dtype=torch.float64))
    assert answer.weights.nonzero().flatten().tolist() == [1, 2, 4]


def test_of_rows_as_long_the_first_stay() -> None:
    assert CGE(f=1)(torch.tensor([[2.0], [-2.0], [2.0]])).tolist() == [0.0]


def test_a_short_row_that_points_away_is_averaged() -> None:
    assert CGE(f=1)(torch.tensor([[2.0], [4.0], [-2.0]])).tolist() == [0.0]
