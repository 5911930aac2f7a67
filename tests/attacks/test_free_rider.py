"""What free riders send, by hand, and that they ride."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import FreeRider


@pytest.fixture
def later(view):
    """Round 3: the model was (0, 0), then (1, -2), and is (4, 2) now."""
    seen = view([[7.0, 7.0], [8.0, 8.0]], origin=[4.0, 2.0])
    return replace(seen, past=torch.tensor([[1.0, -2.0]], dtype=torch.float64), round=3)


def test_nothing_is_the_received_model(later):
    assert FreeRider(sends="nothing").craft(later).tolist() == [[0.0, 0.0]] * 2


def test_the_last_change_is_how_the_model_moved(later):
    assert FreeRider().craft(later).tolist() == [[3.0, 4.0]] * 2


def test_noise_on_top_is_each_clients_own(later):
    first, second = FreeRider(noise=0.5).craft(later) - torch.tensor([3.0, 4.0])
    assert not first.equal(second)
    assert 0 < float(first.abs().max()) < 3


def test_disguising_noise_has_the_first_changes_deviation_and_falls_with_the_round(later):
    """The change (3, 4) has deviation 0.5; in the fourth round a quarter of that is left, or all with no decay."""
    attack, steady = FreeRider(sends="noise"), FreeRider(sends="noise", decay=0.0)
    reply = attack.answer(later)
    assert reply.state == pytest.approx(0.5)
    later.generator.manual_seed(0)
    loud = steady.craft(later)
    later.generator.manual_seed(0)
    torch.testing.assert_close(attack.craft(later), loud / 4)
    again = replace(later, origin=100 * later.origin, state=reply.state)
    assert attack.answer(again).state == pytest.approx(0.5)
    many = replace(later, own=torch.zeros(4000, 2, dtype=torch.float64), clients=range(4000), examples=(1,) * 4000)
    assert float(steady.craft(many).std()) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("attack", [FreeRider(), FreeRider(sends="noise")])
def test_who_knows_one_model_only_sends_zeros_and_learns_nothing(view, attack):
    reply = attack.answer(view([[1.0, 2.0]], origin=[3.0, 4.0]))
    assert not reply.rows.any()
    assert reply.state is None


def test_its_own_training_is_not_looked_at(later):
    other = replace(later, own=later.own + 5)
    for attack in FreeRider.examples():
        replies = []
        for seen in (later, other):
            seen.generator.manual_seed(0)
            replies.append(attack.answer(seen).rows)
        assert replies[0].equal(replies[1])


@pytest.mark.parametrize("settings", [{"sends": "noise", "noise": 1.0}, {"decay": 2.0}])
def test_what_has_no_effect_is_refused(settings):
    with pytest.raises(ValidationError, match="must be left out unless `sends` is"):
        FreeRider(**settings)
