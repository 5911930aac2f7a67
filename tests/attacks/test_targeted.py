"""Targeted model poisoning, on paraboloids whose minima are known."""

from dataclasses import replace

import pytest
import torch

from fedprop.attacks import Targeted
from fedprop.errors import InvalidConfig


class Line:
    """Ones are wanted; the data of the client in row i lead to -i."""

    def wanted_gradient(self, parameters):
        return parameters - 1

    def training_gradient(self, parameters, row, generator):
        return parameters + row


@pytest.fixture
def seen(view):
    return replace(view([[0.0, 0.5], [0.25, 0.0]], origin=[0.5, -0.5]), workshop=Line(), received=8)


def predicted(crafted, own, clients):
    """The next global model's update if the other clients send what the attackers' honest ones are on average."""
    return (crafted.sum(dim=0) + (clients - len(own)) * own.mean(dim=0)) / clients


def test_a_boosted_step_moves_the_next_global_model_as_an_unboosted_one_moves_a_client(seen):
    crafted = Targeted(steps=1, stealth_steps=0, lr=0.5).craft(seen)
    before = seen.origin + seen.own.mean(dim=0)
    assert torch.allclose(seen.origin + predicted(crafted, seen.own, 8), before - 0.5 * (before - 1))
    assert torch.allclose(crafted - seen.own, (-0.5 * 4 * (before - 1)).expand(2, 2))


def test_many_steps_reach_what_is_wanted(seen):
    crafted = Targeted(steps=60, stealth_steps=0, lr=0.2).craft(seen)
    assert torch.allclose(seen.origin + predicted(crafted, seen.own, 8), torch.ones(2).double(), atol=1e-4)


def test_a_stealthy_step_follows_each_clients_own_data_and_the_estimate(seen):
    [plain, stealthy] = (Targeted(steps=1, stealth_steps=k, lr=0.5, rho=0.25).craft(seen) for k in (0, 1))
    learnt = seen.origin + plain + torch.tensor([[0.0], [1.0]])
    pull = 0.25 * (plain - seen.own.mean(dim=0))
    assert torch.allclose(stealthy, plain - 0.5 * (learnt + pull))


def test_the_farther_the_less_if_rho_is_large(seen):
    away = [(Targeted(rho=rho).craft(seen) - seen.own.mean(dim=0)).norm() for rho in (0.0, 1.0, 5.0)]
    assert away == sorted(away, reverse=True)


def test_the_boost_can_be_set(seen):
    [default, set_] = (Targeted(steps=3, boost=boost).craft(seen) for boost in (None, 4.0))
    assert torch.equal(default, set_)
    assert not torch.equal(default, Targeted(steps=3, boost=2.0).craft(seen))


def test_what_is_coming_hangs_on_the_attackers_share_and_not_on_the_boost(seen):
    """A step with a boost of 1, of 8 updates averaged 2 of which are the attack's, moves the model a quarter as far."""
    before = seen.origin + seen.own.mean(dim=0)
    once = Targeted(steps=1, stealth_steps=0, lr=0.5, boost=1.0).craft(seen)
    coming = seen.origin + predicted(once, seen.own, 8)
    assert torch.allclose(coming, before - 0.25 * 0.5 * (before - 1))
    twice = Targeted(steps=2, stealth_steps=0, lr=0.5, boost=1.0).craft(seen)
    assert torch.allclose(twice - once, (-0.5 * (coming - 1)).expand(2, 2))


def test_attackers_in_the_majority_weaken_nothing(view):
    crowd = replace(view([[0.0]] * 12), workshop=Line(), received=8)
    assert torch.equal(Targeted(steps=2).craft(crowd), Targeted(steps=2, boost=1.0).craft(crowd))


def test_without_a_workshop_it_cannot_work(view):
    with pytest.raises(InvalidConfig, match="`workshop` must be given to an attack that works with data of its own"):
        Targeted().craft(replace(view([[1.0]]), workshop=None))


def test_it_aims_at_inputs_of_other_labels():
    x, y = torch.arange(40.0)[:, None], torch.arange(40) % 4
    inputs, wanted = Targeted(inputs=9, label=3).aims(x, y, 4, torch.Generator().manual_seed(0))
    assert (len(inputs), wanted.tolist()) == (9, [3] * 9)
    assert len(set(inputs.flatten().tolist())) == 9
    assert all(int(value) % 4 != 3 for value in inputs.flatten())
    assert len(Targeted(inputs=30, label=3).aims(x, y, 4, torch.Generator())[0]) == 30


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"label": 4}, "`label` must be below 4, .*; found 4"),
        ({"inputs": 31}, "`inputs` must be at most 30 for"),
    ],
)
def test_aims_that_cannot_be_are_refused(settings, told):
    with pytest.raises(InvalidConfig, match=told):
        Targeted(**settings).aims(torch.zeros(40, 1), torch.arange(40) % 4, 4, torch.Generator())
