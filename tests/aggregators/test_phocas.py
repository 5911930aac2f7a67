import pytest
import torch

from fedprop.aggregators import Mean, MeanAroundMedian, Phocas
from fedprop.errors import TooFewUpdates


def test_by_hand() -> None:
    """0, 1, 2, 9, 90 trimmed by one are 1, 2, 9: 90 is farthest from their mean 4. Then a tie, -4 before 12."""
    rows = torch.tensor([[0.0, -4.0], [90.0, 4.0], [2.0, 12.0], [1.0, 5.0], [9.0, 3.0]])
    assert Phocas(f=1)(rows).tolist() == [3.0, 2.0]
    assert MeanAroundMedian(f=1)(rows)[0] == 3.0
    assert Phocas(f=2)(torch.tensor([[0.0], [1.0], [2.0], [9.0], [90.0]])) == 1.0


def test_the_trimmed_mean_is_the_centre_and_not_the_median() -> None:
    """Trimmed, 0, 1 and 8 are left: from their mean 3 the value -5 is farthest, but 8.5 is from the median 1."""
    rows = torch.tensor([[-5.0], [0.0], [1.0], [8.0], [8.5]])
    assert (float(Phocas(f=1)(rows)), float(MeanAroundMedian(f=1)(rows))) == (4.375, 1.0)


def test_weights_are_shares_of_the_coordinates() -> None:
    rows = torch.tensor([[0.0, 0.0], [2.0, 9.0], [1.0, 1.0], [9.0, 2.0]])
    assert Phocas(f=1).aggregate(rows).weights.tolist() == pytest.approx([1 / 3, 1 / 6, 1 / 3, 1 / 6])


def test_without_byzantine_rows_it_is_the_mean() -> None:
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(Phocas(f=0)(rows), Mean()(rows))


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 2f \+ 1 for Phocas; found n=4, f=2"):
        Phocas(f=2)(torch.zeros(4, 1))


def test_either_answer_to_a_tie_is_without_regret() -> None:
    regret = Phocas(f=1).contract().regret
    assert regret is not None
    rows = torch.tensor([[0.0], [2.0], [4.0]])
    assert [regret(rows, torch.tensor([z])) for z in (1.0, 3.0, 2.0)] == [0.0, 0.0, 0.25]
