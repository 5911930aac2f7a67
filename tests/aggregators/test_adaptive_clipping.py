import pytest
import torch

from fedprop.aggregators import AdaptiveClipping, Cohort, Mean, TrimmedMean
from fedprop.errors import TooFewUpdates
from fedprop.properties import Case, check_contract

LARGEST = torch.finfo(torch.float64).max


def test_by_hand() -> None:
    """Of 5 rows with f = 2, the 2 * 2 * 3 // 5 = 2 longest are cut to the third."""
    rows = torch.tensor([[3.0, 4.0], [0.0, 20.0], [2.0, 0.0], [-1.0, 0.0], [0.0, 10.0]], dtype=torch.float64)
    staged = AdaptiveClipping(f=2).answer(Cohort(rows), None)
    assert staged.mixing.diagonal().tolist() == [1.0, 0.25, 1.0, 1.0, 0.5]
    assert AdaptiveClipping(f=2)(rows).tolist() == [[3.0, 4.0], [0.0, 5.0], [2.0, 0.0], [-1.0, 0.0], [0.0, 5.0]]
    assert torch.equal(AdaptiveClipping(f=0)(rows), rows)


def test_lengths_beyond_the_range_of_squares() -> None:
    rows = torch.tensor(
        [[LARGEST, -LARGEST], [3e-200, 4e-200], [0.0, 1e-200], [0.0, 0.0], [0.0, -1.0]], dtype=torch.float64
    )
    found = AdaptiveClipping(f=2)(rows)
    assert found[0].tolist() == pytest.approx([5e-200 / 2**0.5, -5e-200 / 2**0.5], rel=1e-12, abs=0)
    assert found[4].tolist() == pytest.approx([0.0, -5e-200], rel=1e-12, abs=0)
    assert torch.equal(found[1:4], rows[1:4])


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 2f \+ 1 for AdaptiveClipping; found n=4, f=2"):
        AdaptiveClipping(f=2)(torch.zeros(4, 1))


def test_the_coefficient_triples_for_its_own_f_alone() -> None:
    contract = (AdaptiveClipping(f=2) >> TrimmedMean(f=2)).contract()
    assert contract.kappa is not None
    assert contract.kappa.bound(9, 2) == pytest.approx(3 * 2 / 5)
    assert list(contract.tolerates(9)) == [2]
    assert list((AdaptiveClipping(f=1) >> TrimmedMean(f=2)).contract().tolerates(9)) == []
    assert list((AdaptiveClipping(f=1) >> Mean()).contract().tolerates(9)) == []


def test_the_contract_of_a_chain_holds_where_giants_are_cut() -> None:
    rows = torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.5, 1.5], [2.0, 2.0], [1e9, -1e9]])
    check_contract(AdaptiveClipping(f=1) >> TrimmedMean(f=1), Case(rows, (True,) * 4 + (False,), f=1))
