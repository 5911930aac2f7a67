"""FoolsGold: credit by hand, and a memory that belongs to clients."""

import math

import pytest
import torch

from fedprop.aggregators import Cohort, FoolsGold
from fedprop.errors import InvalidUpdates
from fedprop.oracles.fools_gold import fools_gold_round


def test_credit_by_hand():
    """Cosines 0.6, 0, 0: largest ones (0.6, 0.6, 0), credits (0.4, 0.4, 1), and ln(0.4 / 0.6) + 0.5 = 0.0945."""
    rows = torch.tensor([[5.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 2.0]])
    before, third = rows.clone(), math.log(2 / 3) + 0.5
    answer = FoolsGold().aggregate(rows)
    assert answer.weights.tolist() == pytest.approx([third, third, 1.0])
    assert answer.value.tolist() == pytest.approx([5.6 * third, 0.8 * third, 2.0])
    assert FoolsGold(averaged=True)(rows).tolist() == pytest.approx((answer.value / (1 + 2 * third)).tolist())
    assert FoolsGold(kappa=0.1).aggregate(rows).weights.tolist() == pytest.approx([third / 10] * 2 + [0.509512])
    assert torch.equal(rows, before)


def test_whoever_is_less_like_the_others_is_pardoned():
    """Cosines 0.6, 0.8, 0 of x, y, z: for x that with y counts 0.6 * 0.6 / 0.8 = 0.45, and 0.2 / 0.55 has no credit."""
    assert FoolsGold().aggregate(torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])).weights.tolist() == [1.0, 0.0, 0.0]


def test_a_single_client_counts_and_equal_ones_do_not():
    assert FoolsGold()(torch.tensor([[2.0, -1.0]])).tolist() == [2.0, -1.0]
    for rule in FoolsGold.examples():
        assert rule.aggregate(torch.full((3, 2), 7.0)).weights.tolist() == [0.0, 0.0, 0.0]
        assert rule(torch.full((3, 2), 7.0)).tolist() == [0.0, 0.0]


def test_memory_belongs_to_clients_wherever_their_rows_stand():
    generator = torch.Generator().manual_seed(0)
    rule, state, before = FoolsGold(), FoolsGold().init(), {}
    for clients in ((7, 3, 9), (9, 7, 3), (3, 5), (5, 9, 7, 3)):
        rows = torch.randn(len(clients), 2, generator=generator, dtype=torch.float64)
        value, _, state = rule.aggregate(Cohort(rows, clients), state)
        expected, before = fools_gold_round(rows.tolist(), clients, before)
        assert value.tolist() == pytest.approx(expected)
        assert {client: history.tolist() for client, history in state.items()} == {
            client: pytest.approx(history) for client, history in before.items()
        }


def test_rows_of_one_client_share_its_history():
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 5.0]])
    answer = FoolsGold().aggregate(Cohort(rows, (4, 8, 4)))
    assert answer.state[4].tolist() == [0.0, 5.0]
    assert answer.weights.tolist() == [0.0, 0.0, 0.0]
    assert FoolsGold().aggregate(Cohort(rows, (4, 8, 5))).weights.tolist() != [0.0, 0.0, 0.0]


def test_histories_beyond_the_range_of_floats_stay_finite():
    largest = torch.finfo(torch.float32).max
    rows = torch.tensor([[largest, 0.0], [0.0, largest]])
    state = FoolsGold().aggregate(rows).state
    answer = FoolsGold().aggregate(rows, state)
    assert answer.weights.tolist() == [1.0, 1.0]
    assert answer.state[0].tolist() == [largest, 0.0]


def test_a_history_of_another_length_is_refused():
    with pytest.raises(InvalidUpdates, match=r"`state` must hold histories of shape \[2\] for FoolsGold; found \[3\]"):
        FoolsGold().aggregate(torch.ones(1, 2), {0: torch.ones(3)})
