"""What is frozen in a model never moves, whoever would like it to: noise, an attacker, an optimizer."""

import pytest
import torch
from torch import nn

from fedprop import Krum, Mean
from fedprop.attacks.base import Attack
from fedprop.params import ParameterLayout
from fedprop.simulation.engine import simulate
from fedprop.simulation.optimizers import ServerOptimizer


class Shove(Attack):
    """Asks for one and the same step in every coordinate."""

    kind: str = "shove"
    share: float = 0.34
    size: float = 100.0

    def craft(self, view):
        return torch.full_like(view.own, self.size)


class FrozenShove(Shove):
    """Trains as it should, and shoves the frozen weights alone."""

    def craft(self, view):
        return torch.where(view.own == 0, self.size, view.own)


class Restless(ServerOptimizer):
    """Moves all there is."""

    kind: str = "restless"

    def step(self, parameters, aggregate, state, trainable):
        return parameters + 1.0, state


def half_frozen():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    module[0].requires_grad_(False)
    return module


@pytest.mark.parametrize(
    "settings",
    [
        {"central_privacy": {"clip_norm": 1.0, "noise_multiplier": 1.0}},
        {"attack": Shove()},
        {"attack": Shove(), "policy": {"kind": "fedasync", "concurrency": 3}},
        {"optimizer": Restless()},
        {"optimizer": {"kind": "fedadam"}, "attack": {"kind": "gaussian", "share": 0.34}},
        {"training": {"privacy": {"noise_multiplier": 1.0}, "weight_decay": 0.1}},
    ],
    ids=["central privacy", "attack", "asynchronous attack", "optimizer", "fedadam", "local privacy"],
)
def test_frozen_weights_are_equal_after_twenty_rounds(play, settings):
    module = half_frozen()
    layout = ParameterLayout.of(module)
    before, fixed = layout.flatten(module), layout.fixed
    end = play(module=module, rounds=20, **settings).parameters
    assert torch.equal(end[fixed], before[fixed])
    assert (end != before)[~fixed].all()
    assert int(fixed.sum()) == 9


@pytest.mark.parametrize("rule", [Mean(), Krum(f=1)])
def test_no_rule_sees_what_an_attacker_says_of_frozen_weights(configure, log, rule):
    shoved, honest = (
        simulate(configure(module=half_frozen(), defense=rule, attack=attack), log)
        for attack in (FrozenShove(), {"kind": "none"})
    )
    assert torch.equal(shoved.parameters, honest.parameters)
