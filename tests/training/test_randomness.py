import random

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, dropout

from fedprop.training.randomness import Randomness, Watch, draws_in_evaluation

X, Y = torch.zeros(3, 4), torch.tensor([0, 1, 2])


class Hidden(nn.Linear):
    """Drops inputs out without a layer that says so."""

    def forward(self, x):
        return super().forward(dropout(x, 0.5, self.training))


class Chance(nn.Linear):
    """Draws from Python's own generator."""

    def forward(self, x):
        return super().forward(x * random.random())


class Recurrent(nn.Module):
    """Says that it may drop something out, and drops nothing."""

    def __init__(self):
        super().__init__()
        self.recurrent = nn.GRU(4, 3, dropout=0.0)

    def forward(self, x):
        return self.recurrent(dropout(x, 0.5, self.training))[0]


def watched(module, *, draws_backward=False):
    watch = Watch()
    with watch.forward:
        loss = cross_entropy(module.train()(X), Y)
    with watch.backward:
        loss.backward()
        if draws_backward:
            torch.rand(1)
    return watch.found(module)


@pytest.mark.parametrize(
    ("module", "found"),
    [
        (Hidden(4, 3), Randomness("own", "draws in Hidden.forward")),
        (nn.Sequential(nn.Linear(4, 4), Hidden(4, 3)), Randomness("own", "draws in Sequential.forward")),
        (nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.1)), Randomness("own", "Dropout at '1'")),
        (nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.0), nn.BatchNorm1d(3)), Randomness("none", "")),
        (Recurrent(), Randomness("own", "draws in Recurrent.forward")),
        (Chance(4, 3), Randomness("shared", "draws in Chance.forward")),
    ],
    ids=["hidden", "nested", "layer", "nothing", "recurrent", "python"],
)
def test_what_draws_is_found_and_named(module, found):
    assert watched(module) == found


def test_who_draws_in_the_backward_pass_shares_the_processs_generators():
    assert watched(nn.Linear(4, 3), draws_backward=True) == Randomness("shared", "draws in Linear.forward")


@pytest.mark.parametrize(
    ("module", "draws"),
    [
        (nn.Dropout(0.5).eval(), False),
        (Hidden(4, 3).eval(), False),
        (Hidden(4, 3).train(), True),
        (nn.Linear(5, 3), False),
    ],
    ids=["dropout", "hidden", "always", "failing"],
)
def test_draws_in_evaluation_are_found(module, draws):
    before = torch.random.get_rng_state()
    assert draws_in_evaluation(module, X) is draws
    assert torch.equal(torch.random.get_rng_state(), before)
