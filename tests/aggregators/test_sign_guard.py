import numpy as np
import pytest
import torch

from fedprop.aggregators import Cohort, SignGuard
from fedprop.aggregators.sign_guard import _statistics


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_by_hand() -> None:
    """Lengths 5, 10, 5, 5, 5 and 40 have the median 5. Four rows are above zero in both coordinates; 40 is too long."""
    rows = torch.tensor([[3.0, 4.0], [6.0, 8.0], [4.0, 3.0], [-3.0, -4.0], [4.0, -3.0], [24.0, 32.0]])
    found = SignGuard(share=1.0).aggregate(Cohort(rows, generator=draw()))
    assert found.weights.tolist() == pytest.approx([1 / 3, 1 / 6, 1 / 3, 0, 0, 0])
    assert found.value.tolist() == pytest.approx([10 / 3, 11 / 3])


def test_statistics_of_a_block() -> None:
    rows = torch.tensor([[9.0, 1.0, 0.0, -2.0, 3.0], [9.0, 0.0, 0.0, 0.0, -1.0]])
    assert _statistics(rows, 1, 5).numpy() == pytest.approx(np.array([[1, 1 / 3, 1], [0, 1, 1]]), abs=1e-6)


def test_where_no_row_is_both_the_answer_is_zero() -> None:
    """The three rows of one sign are much too long or too short; the others have the median length."""
    rows = torch.tensor([[1e6, 1e6], [1e-6, 1e-6], [1e6, 1e6], [1.0, -1.0], [-1.0, 1.0], [0.0, 1.0], [-1.0, -1.0]])
    found = SignGuard(share=1.0).aggregate(Cohort(rows, generator=draw()))
    assert found.value.tolist() == [0.0, 0.0]
    assert not found.weights.any()
    zeros = SignGuard().aggregate(Cohort(torch.zeros(3, 2), generator=draw()))
    assert zeros.value.tolist() == [0.0, 0.0]
