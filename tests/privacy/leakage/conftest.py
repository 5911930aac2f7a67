from typing import NamedTuple

import pytest
import torch
from torch import nn

from fedprop.data import Examples
from fedprop.params import ParameterLayout
from fedprop.privacy import Sent, Sight, Watched
from fedprop.tasks import CLASSIFICATION
from fedprop.training import LocalTraining, Shards
from fedprop.training.sequential import Sequential
from fedprop.training.task import Ticket


class Case(NamedTuple):
    """A run that is about to begin, and the first round of it."""

    run: Watched
    origin: torch.Tensor

    def sight(self, client=0, round=0, last=True):
        """Client `client` trained, and the server has its update."""
        shards = Shards(self.run.pool, tuple(self.run.parts))
        engine = Sequential(self.run.module, shards, self.run.training, self.run.seed)
        result = engine.train(Ticket(client, 0, self.origin))
        sent = Sent(self.origin, result.update, result.examples, result.steps)
        return Sight(round, last, self.origin, lambda asked: sent if asked == client else None)


@pytest.fixture
def case():
    """Makes a case of two clients, by default one grey 2x2 picture each of three classes and a linear model."""

    def make(each=1, shape=(1, 2, 2), module=None, seed=0, **training):
        stream = torch.Generator().manual_seed(seed)
        x, y = torch.rand(2 * each + 4, *shape, generator=stream), torch.arange(2 * each + 4) % 3
        x[-2], x[-1] = 0.0, 1.0  # so that the range of inputs is known
        module = module or nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), 3))
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(torch.rand(parameter.shape, generator=stream) - 0.5)
        pool, others = Examples(x[: 2 * each], y[: 2 * each]), Examples(x[2 * each :], y[2 * each :])
        parts = torch.split(torch.arange(2 * each), each)
        recipe = LocalTraining(**{"lr": 0.5, "batch_size": each, **training})
        run = Watched(module, CLASSIFICATION, recipe, pool, parts, others, seed)
        return Case(run, ParameterLayout.of(module).flatten(module))

    return make
