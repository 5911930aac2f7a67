"""Shi et al. (2022), section V: honest rows, false counts."""

import pytest
import torch

from fedprop.aggregators import Cohort, Mean
from fedprop.attacks import WeightAttack


def shares(view, *, claimed, others, held):
    """What each of n clients counts in the weighted mean when two attackers claim so much."""
    seen = view([[1.0], [2.0]])
    reply = WeightAttack(claimed_size=claimed).answer(seen)
    assert torch.equal(reply.rows, seen.own)
    rows = torch.cat([reply.rows, torch.zeros(others, 1, dtype=torch.float64)])
    return Mean(weighting="examples").aggregate(Cohort(rows, examples=reply.examples + (held,) * others)).weights


def test_case_1_a_client_with_little_data_counts_as_much_as_any(view):
    assert shares(view, claimed=2500, others=3, held=2500).tolist() == pytest.approx([0.2] * 5)


@pytest.mark.parametrize("c", [1, 4, 1000])
def test_case_2_the_share_grows_by_the_papers_factor(view, c):
    """Two of five clients claim c times 100: each counts c / (3 + 2 c) where it would count a fifth."""
    weights = shares(view, claimed=100 * c, others=3, held=100)
    assert weights[:2].tolist() == pytest.approx([0.2 * c * 5 / (3 + 2 * c)] * 2)


def test_it_keeps_so_many_of_its_examples_in_their_order():
    x, y = torch.arange(20.0)[:, None], torch.arange(20)
    attack = WeightAttack(own_size=8)
    kept_x, kept_y = attack.poison(x, y, 20, torch.Generator().manual_seed(0))
    assert kept_x.flatten().tolist() == kept_y.tolist() == sorted(set(kept_y.tolist()))
    assert len(kept_y) == 8
    other = attack.poison(x, y, 20, torch.Generator().manual_seed(1))[1]
    assert other.tolist() != kept_y.tolist()
    assert attack.poison(x[:5], y[:5], 20, torch.Generator())[1].tolist() == [0, 1, 2, 3, 4]


def test_only_case_1_changes_data():
    assert [attack.poisons for attack in (WeightAttack(), WeightAttack(own_size=1))] == [False, True]
    assert WeightAttack(rounds={"start": 3}).deviates
