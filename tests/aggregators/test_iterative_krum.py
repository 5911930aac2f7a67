import pytest
import torch

from fedprop.aggregators import IterativeKrum, Krum
from fedprop.aggregators.repeated_krum import all_picks
from fedprop.errors import TooFewUpdates


def test_by_hand() -> None:
    """Six rows, two picks. Over 3 neighbours 2 scores 1 + 0.25 + 1, 2.5 scores 0.25 + 0.25 + 2.25: 2 is taken.

    Of 1, 3, 2.5, -50, 90 then, over 2 neighbours, 2.5 scores 0.25 + 2.25 and 3 scores 0.25 + 4: 2.5 is taken.
    """
    rows = torch.tensor([[1.0], [2.0], [3.0], [2.5], [-50.0], [90.0]])
    assert IterativeKrum(f=1).aggregate(rows).weights.tolist() == [0.0, 0.5, 0.0, 0.5, 0.0, 0.0]


def test_it_differs_from_scoring_once() -> None:
    differing = 0
    for seed in range(20):
        rows = torch.randn(12, 3, generator=torch.Generator().manual_seed(seed))
        differing += not torch.allclose(IterativeKrum(f=2)(rows), Krum(f=2, m=6)(rows))
    assert differing > 5


def test_either_way_to_break_a_tie_has_no_regret() -> None:
    rows = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)).double()
    rule = IterativeKrum(f=0)
    regret = rule.contract().regret
    assert regret is not None
    found = all_picks(rows @ rows.T, 0, 4)
    assert len(found) > 1
    assert max(regret(rows, rows[list(chosen)].mean(dim=0)) for chosen in found) < 1e-12
    assert torch.allclose(rule(rows), rule(rows.flip(0)))
    assert regret(rows, rows[0] + 9) > 1


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 2f \+ 3 for IterativeKrum; found n=4, f=1"):
        IterativeKrum(f=1)(torch.zeros(4, 1))


def test_scores_that_differ_by_rounding_alone_are_equal() -> None:
    """Of 0, 0.1, ..., 0.5 both in the middle are as good, and 0.3 - 0.2 is not 0.1 in floats."""
    rows = torch.arange(6, dtype=torch.float64)[:, None] * 0.1
    assert all_picks(rows @ rows.T, 0, 1) == {(2,), (3,)}
