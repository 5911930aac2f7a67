import pytest
import torch

from fedprop.aggregators import Cohort, DivideAndConquer
from fedprop.errors import TooFewUpdates


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_by_hand() -> None:
    """Centred, the rows are +-(3, 0), +-(0, 2) and zero: along the first, 3 stands out as -3 does, which is first."""
    rows = torch.tensor([[-2.0, 1.0], [1.0, 3.0], [1.0, -1.0], [4.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    found = DivideAndConquer(f=1).aggregate(Cohort(rows, generator=draw()))
    assert found.value.tolist() == pytest.approx([0.25, 1.0])
    assert found.weights.tolist() == [0.25, 0.25, 0.25, 0.0, 0.25]
    assert DivideAndConquer(f=1, c=2.0).aggregate(Cohort(rows, generator=draw())).weights.tolist() == pytest.approx(
        [0, 1 / 3, 1 / 3, 0, 1 / 3]
    )


def test_samples_are_intersected() -> None:
    """With one coordinate a sample, row 0 stands out in the first and row 1 in the second."""
    rows = torch.tensor([[90.0, 0.0], [0.0, 90.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    cohorts = [Cohort(rows, generator=draw(seed)) for seed in range(9)]
    found = [DivideAndConquer(f=1, b=1, iterations=4).aggregate(cohort).weights.tolist() for cohort in cohorts]
    assert any(weights == pytest.approx([0, 0, 1 / 3, 1 / 3, 1 / 3]) for weights in found)


def test_where_no_row_is_left_the_answer_is_zero() -> None:
    rows = torch.tensor([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]])
    found = DivideAndConquer(f=1, b=1, iterations=30).aggregate(Cohort(rows, generator=draw()))
    assert found.value.tolist() == found.weights.tolist() == [0.0, 0.0, 0.0]


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 2f \+ 1 for DivideAndConquer; found n=4, f=2"):
        DivideAndConquer(f=2).aggregate(Cohort(torch.zeros(4, 1), generator=draw()))
    assert DivideAndConquer(f=2, c=3.0).min_rows == 7
