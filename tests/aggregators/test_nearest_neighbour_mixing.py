import pytest
import torch

from fedprop.aggregators import Cohort, Krum, Mean, Median, NearestNeighbourMixing, Region, TrimmedMean
from fedprop.aggregators.contract import unstated
from fedprop.errors import TooFewUpdates


def test_each_row_becomes_the_mean_of_its_nearest_rows_and_itself() -> None:
    rows = torch.tensor([[0.0], [1.0], [5.0], [6.0], [100.0]])
    assert NearestNeighbourMixing(f=2)(rows).flatten().tolist() == [2.0, 2.0, 4.0, 4.0, 37.0]


def test_mixing_matrix_makes_the_rows() -> None:
    rows = torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mixing = NearestNeighbourMixing(f=2).apply(Cohort(rows), None).mixing
    assert torch.allclose(mixing @ rows, NearestNeighbourMixing(f=2)(rows))
    assert mixing.sum(dim=1).tolist() == pytest.approx([1.0] * 7)


def test_ties_go_to_the_smallest_index() -> None:
    mixing = NearestNeighbourMixing(f=1).apply(Cohort(torch.tensor([[-1.0], [0.0], [1.0]])), None).mixing
    assert mixing[1].tolist() == [0.5, 0.5, 0.0]


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"n >= 2f \+ 1 for NearestNeighbourMixing; found n=2, f=1"):
        NearestNeighbourMixing(f=1)(torch.zeros(2, 1))


def test_what_a_rule_may_claim_after_mixing() -> None:
    contract = (NearestNeighbourMixing(f=2) >> TrimmedMean(f=2)).contract()
    assert contract.kappa is not None
    assert contract.kappa.bound(10, 2) == pytest.approx(8 * 2 / 8 * (2 / 6 + 1))
    assert contract.lies_in is Region.BOX
    assert list(contract.tolerates(10)) == [2]


def test_nothing_is_tolerated_that_the_rule_does_not_tolerate() -> None:
    contract = (NearestNeighbourMixing(f=2) >> TrimmedMean(f=1)).contract()
    assert list(contract.tolerates(10)) == []


def test_regret_and_ambiguity_are_those_of_the_mixed_rows() -> None:
    rows = torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rule = NearestNeighbourMixing(f=1) >> Krum(f=1)
    contract = rule.contract()
    assert contract.regret is not None
    assert contract.regret(rows, rule(rows)) == 0.0
    multi = (NearestNeighbourMixing(f=1) >> Krum(f=1, m=3)).contract()
    assert not multi.ambiguous(rows)
    assert multi.ambiguous(torch.tensor([[-1.0], [0.0], [1.0], [2.0], [3.0]]))
    assert (NearestNeighbourMixing(f=1) >> Median()).contract().ambiguous is unstated
    assert (NearestNeighbourMixing(f=0) >> Mean()).contract().regret is None
