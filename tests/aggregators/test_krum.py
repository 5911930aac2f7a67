import pytest
import torch

from fedprop.aggregators import Krum
from fedprop.errors import TooFewUpdates
from fedprop.oracles.krum import krum


def test_squared_distances_decide() -> None:
    """For rows 0 and 3 the two nearest distances are 0, 5 and 3, 3: the plain sums 5 < 6, the squares 25 > 18."""
    rows = torch.tensor([[0.0], [0.0], [5.0], [8.0], [11.0]])
    assert float(Krum(f=1)(rows)) == 8.0


def test_exactly_n_minus_f_minus_2_neighbours_count() -> None:
    """With n = 6 and f = 1 three neighbours count and 2 wins; with two it would be 1, with four 4."""
    rows = torch.tensor([[0.0], [1.0], [2.0], [4.0], [9.0], [10.0]])
    assert float(Krum(f=1)(rows)) == 2.0


def test_equal_scores_go_to_the_smallest_index() -> None:
    out = Krum(f=0).aggregate(torch.tensor([[9.0], [1.0], [2.0]]))
    assert out.weights.tolist() == [0.0, 1.0, 0.0]


def test_multi_krum_averages_the_best_rows_of_one_scoring() -> None:
    rows = torch.tensor([[0.0], [1.0], [2.0], [3.0], [100.0]])
    out = Krum(f=1, m=2).aggregate(rows)
    assert (float(out.value), out.weights.tolist()) == (1.5, [0.0, 0.5, 0.5, 0.0, 0.0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_selected_row_comes_back_bit_for_bit(dtype: torch.dtype) -> None:
    rows = torch.randn(9, 100, generator=torch.Generator().manual_seed(1), dtype=dtype)
    out = Krum(f=2)(rows)
    assert out.dtype == dtype
    assert (rows == out).all(dim=1).sum() == 1


@pytest.mark.parametrize("seed", range(20))
def test_close_float32_rows_far_from_the_origin_are_told_apart(seed: int) -> None:
    noise = torch.randn(10, 30, generator=torch.Generator().manual_seed(seed))
    rows = 1e3 + 1e-3 * noise
    assert Krum(f=3)(rows).tolist() == krum(rows.tolist(), 3)


@pytest.mark.parametrize("far", [1e10, 1e20, 3e38])
def test_an_attacker_far_away_in_the_first_row_does_not_blur_the_others(far: float) -> None:
    rows = torch.randn(9, 30, generator=torch.Generator().manual_seed(0))
    rows[:2] = far
    assert Krum(f=2)(rows).tolist() == krum(rows.tolist(), 2)


def test_too_few_rows_name_the_parameter_at_fault() -> None:
    with pytest.raises(TooFewUpdates, match=r"^`f` must satisfy n >= 2f \+ 3 for Krum; found n=6, f=2$"):
        Krum(f=2)(torch.zeros(6, 1))
    with pytest.raises(TooFewUpdates, match=r"^`m` must satisfy m <= n - f for Krum; found n=7, f=2, m=6$"):
        Krum(f=2, m=6)(torch.zeros(7, 1))


@pytest.mark.parametrize(
    ("m", "requirement", "least"), [(1, "n >= 2f + 3", 7), (5, "n >= 2f + 3", 7), (6, "m <= n - f", 8)]
)
def test_least_number_of_rows(m: int, requirement: str, least: int) -> None:
    rule = Krum(f=2, m=m)
    assert (rule.requirement(), rule.min_rows) == (requirement, least)
    assert rule(torch.zeros(least, 1)).tolist() == [0.0]


def test_coefficient() -> None:
    contract = Krum(f=1).contract()
    assert contract.kappa is not None
    assert contract.kappa.bound(5, 1) == pytest.approx(4 / 2 * (1 + (4 / 3) ** 0.5) ** 2)
    assert [list(contract.tolerates(n)) for n in (4, 5)] == [[], [1]]


def test_regret_compares_scores() -> None:
    contract = Krum(f=0).contract()
    rows = torch.tensor([[0.0], [1.0], [2.0], [4.0]], dtype=torch.float64)
    assert contract.regret is not None
    assert contract.regret(rows, rows[1]) == 0.0
    assert contract.regret(rows, rows[0]) == pytest.approx((1 + 4) / 2 - 1)
    assert contract.regret(torch.tensor([[0.0], [0.0], [0.0], [1.0]]), torch.tensor([1.0])) == float("inf")


def test_a_tie_for_the_last_place_is_ambiguous() -> None:
    rows = torch.tensor([[0.0], [1.0], [2.0], [4.0]])
    assert not Krum(f=0, m=3).contract().ambiguous(rows)
    assert Krum(f=0, m=3).contract().ambiguous(torch.tensor([[0.0], [1.0], [2.0], [3.0]]))
    assert not Krum(f=0, m=4).contract().ambiguous(rows)
