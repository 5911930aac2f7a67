import pytest
import torch

from fedprop.aggregators import Mean, TrimmedMean
from fedprop.errors import TooFewUpdates


def test_trims_each_coordinate_on_both_sides() -> None:
    rows = torch.tensor([[100.0, 2.0], [1.0, -100.0], [2.0, 3.0], [3.0, 4.0], [-50.0, 9.0]])
    assert TrimmedMean(f=1)(rows).tolist() == [2.0, 3.0]


def test_trimming_nothing_is_the_mean() -> None:
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(TrimmedMean(f=0)(rows), Mean()(rows))


def test_too_few_rows() -> None:
    assert TrimmedMean(f=2)(torch.ones(5, 1)).tolist() == [1.0]
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 2f \+ 1 for TrimmedMean; found n=4, f=2"):
        TrimmedMean(f=2)(torch.zeros(4, 1))


def test_coefficient() -> None:
    contract = TrimmedMean(f=2).contract()
    assert contract.kappa is not None
    assert contract.kappa.bound(10, 2) == pytest.approx(2 / 6)
    assert [list(contract.tolerates(n)) for n in (4, 5)] == [[], [2]]
