import pytest
import torch

from fedprop.aggregators import Bulyan, TrimmedMean
from fedprop.aggregators.repeated_krum import all_picks
from fedprop.errors import TooFewUpdates
from fedprop.oracles.bulyan import bulyan, selection
from fedprop.oracles.mean_around_median import around_median


def random_rows(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("f", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("extra", [0, 3])
def test_selects_and_averages_as_defined(f: int, extra: int) -> None:
    rows = random_rows(4 * f + 3 + extra, 6, seed=f)
    out = Bulyan(f=f).aggregate(rows)
    assert torch.allclose(out.value, torch.tensor(bulyan(rows.tolist(), f)), atol=1e-6)
    assert set(out.weights.nonzero().flatten().tolist()) <= set(selection(rows.tolist(), f))


def test_repeated_selection_is_not_one_multi_krum() -> None:
    """The rows that one scoring would select differ from those that repeated selection finds."""
    from fedprop.oracles.krum import ranking

    differing = 0
    for seed in range(20):
        rows = random_rows(11, 4, seed).tolist()
        differing += sorted(ranking(rows, 11 - 2 - 2)[:7]) != selection(rows, 2)
    assert differing > 10


def test_beta_is_theta_minus_2f() -> None:
    """All 7 rows are needed to see it: theta = 5 selected values, and the mean of 3 of them."""
    rows = torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0], [1e3], [2e3]])
    weights = Bulyan(f=1).aggregate(rows).weights
    assert sorted(round(float(w), 6) for w in weights) == [0.0] * 4 + [round(1 / 3, 6)] * 3


def test_of_two_equally_near_values_the_smaller_counts() -> None:
    shares = Bulyan(f=1).shares(torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]))
    assert shares.tolist() == [[0.0, 0.25, 0.25, 0.25, 0.25, 0.0]]
    shares = Bulyan(f=1).shares(torch.tensor([[0.0, 2.0, 2.0, 4.0, 9.0]]))
    assert [bool(share > 0) for share in shares[0]] == [True, True, True, False, False]


def test_tolerating_nobody_is_the_mean() -> None:
    rows = random_rows(5, 3, seed=0)
    assert torch.allclose(Bulyan(f=0)(rows), TrimmedMean(f=0)(rows), atol=1e-6)


def test_of_mutual_neighbours_the_one_that_all_rows_are_nearer_to_is_taken_whoever_comes_first() -> None:
    for seed in range(10):
        rows = random_rows(7, 3, seed).double()
        assert torch.allclose(Bulyan(f=1)(rows), Bulyan(f=1)(rows.flip(0)))


def test_either_way_to_break_a_tie_has_no_regret() -> None:
    """With one neighbour counted, the two closest rows tie."""
    rows, rule = random_rows(7, 3, seed=5).double(), Bulyan(f=1)
    regret, selections = rule.contract().regret, all_picks(rows @ rows.T, 1, 5)
    assert len(selections) > 1
    for chosen in selections:
        answer = [around_median(column, 3) for column in rows[list(chosen)].T.tolist()]
        assert regret(rows, torch.tensor(answer)) < 1e-6
    assert regret(rows, rows.mean(dim=0)) > 1e-3


def test_values_equally_far_from_the_median_are_as_good() -> None:
    """Rows -1, 0, 1 at the cut of two: the mean may be -1/2 or 1/2, and nothing between."""
    rows, regret = torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64), Bulyan(f=0).contract().regret
    assert regret(rows, torch.tensor([0.0])) == 0.0
    even = torch.tensor([[float(v)] for v in (-3, -1, -1, 0, 1, 1, 3)], dtype=torch.float64)
    found = Bulyan(f=1).contract().regret
    assert found(even, Bulyan(f=1)(even)) < 1e-12
    assert found(even, torch.tensor([2.0])) > 0.1


def test_rows_whose_ties_abound_excuse_any_answer() -> None:
    assert Bulyan(f=1).contract().regret(torch.zeros(12, 1), torch.tensor([7.0])) == 0.0


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 4f \+ 3 for Bulyan; found n=6, f=1"):
        Bulyan(f=1)(torch.zeros(6, 1))
