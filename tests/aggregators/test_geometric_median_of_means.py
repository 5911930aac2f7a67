import pytest
import torch

from fedprop.aggregators import GeometricMedian, GeometricMedianOfMeans, Mean
from fedprop.errors import TooFewUpdates

ROWS = torch.tensor([[0.0], [2.0], [4.0], [5.0], [7.0], [1e9], [9.0]], dtype=torch.float64)


def test_by_hand() -> None:
    """0, 2, 4 and 5, 7 and 1e9, 9 have means 2, 6 and about 5e8."""
    found = GeometricMedianOfMeans(k=3).aggregate(ROWS)
    assert found.value.tolist() == [6.0]
    assert found.weights.tolist() == [0, 0, 0, 0.5, 0.5, 0, 0]


def test_at_both_ends_it_is_what_it_should_be() -> None:
    rows = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.allclose(GeometricMedianOfMeans(k=1)(rows), Mean()(rows))
    assert torch.allclose(GeometricMedianOfMeans(k=6)(rows), GeometricMedian()(rows))


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match="must satisfy n >= k = 8 for GeometricMedianOfMeans; found n=7"):
        GeometricMedianOfMeans(k=8)(ROWS)
