import pytest
import torch

from fedprop.aggregators import Cohort, DensityFilter, Mean, Median, Region
from fedprop.aggregators.density_filter import densities
from fedprop.errors import TooFewUpdates


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_densities_by_hand() -> None:
    """With k = 2 the second nearest row of 0, 1, 3, 7 is 3, 2, 3 and 6 away.

    Near 0 are 1 and 3, at max(2, 1) and max(3, 3); near 1 are 0 and 3, at 3 and 3; near 3 are 0 and 1, at 3 and 2; near
    7 are 3 and 1, at 4 and 6.
    """
    distances = torch.cdist(column(0, 1, 3, 7), column(0, 1, 3, 7))
    before = distances.clone()
    found = densities(distances, 2)
    assert torch.equal(distances, before)
    assert found.tolist() == pytest.approx([2 / 5, 2 / 6, 2 / 5, 2 / 10])
    cohort = Cohort(column(0, 1, 3, 7), (5, 6, 7, 8), (1, 2, 3, 4), (0, 0, 0, 2))
    staged = DensityFilter(k=2, threshold=1.05).answer(cohort, None)
    assert (staged.cohort.clients, staged.cohort.examples, staged.cohort.staleness) == ((6, 8), (2, 4), (0, 2))
    assert staged.mixing.nonzero().tolist() == [[0, 1], [1, 3]]
    assert DensityFilter(k=2, threshold=1.1)(column(0, 1, 3, 7)).flatten().tolist() == [0, 1, 3, 7]
    assert DensityFilter(k=2, threshold=1.8, drop="sparse")(column(0, 1, 3, 7)).flatten().tolist() == [0, 1, 3]


def test_all_that_are_as_far_as_the_kth_are_neighbours() -> None:
    """Of 0 the rows -1 and 1 both are, whose nearest rows are 1 and 0.5 away: the mean of 1 and 1."""
    found = densities(torch.cdist(column(0, -1, 1, 1.5), column(0, -1, 1, 1.5)), 1)
    assert found.tolist() == pytest.approx([1, 1, 2, 2])


@pytest.mark.parametrize("far", [1.0, 1e6, 1e12])
def test_sybils_are_dropped_wherever_they_are(far: float) -> None:
    """Copies, and rows a thousandth apart, which inner products would not tell from rows a thousand apart at 1e12."""
    honest = torch.randn(6, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sybils = torch.full((4, 40), far, dtype=torch.float64)
    apart = sybils + 2.0**-10 * torch.eye(40, dtype=torch.float64)[:4]
    for group in (sybils, apart):
        assert torch.equal(DensityFilter()(torch.cat([group, honest])), honest)
    kept = torch.cat([honest, 1000 * far * torch.eye(40, dtype=torch.float64)[:4]])
    assert len(DensityFilter()(kept)) == 10
    assert len(DensityFilter(k=4)(torch.cat([sybils, honest]))) == 10


def test_copies_in_the_majority_are_what_is_usual() -> None:
    rows = column(1, 1, 1, 1, 5, 7, 9)
    assert len(DensityFilter()(rows)) == 7
    assert DensityFilter(drop="sparse")(rows).flatten().tolist() == [1, 1, 1, 1]
    with pytest.raises(TooFewUpdates, match="`k` must satisfy n > k for DensityFilter; found n=3, k=3"):
        DensityFilter()(rows[:3])


def test_what_is_left_of_claims() -> None:
    contract = (DensityFilter() >> Median()).contract()
    assert (contract.lies_in, contract.kappa) == (Region.BOX, None)
    assert (DensityFilter() >> Mean()).contract().translation
