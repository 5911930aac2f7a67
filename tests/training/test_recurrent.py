"""An LSTM written out is torch's own, and a stack of them learns what each would alone."""

import pytest
import torch
from torch import nn

from fedprop.data.base import Examples
from fedprop.models import CharLSTM
from fedprop.params import ParameterLayout
from fedprop.tasks import NextToken
from fedprop.training import LocalTraining, Shards, Ticket, make_engine
from fedprop.training.engine import choose_engine
from fedprop.training.recurrent import unrolled


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_it_is_torchs_own(bias, bidirectional, batch_first):
    torch.manual_seed(0)
    module = nn.LSTM(3, 4, 2, bias=bias, bidirectional=bidirectional, batch_first=batch_first).double()
    x = torch.randn(5, 6, 3, dtype=torch.float64)
    state = torch.randn(2, 2 * (2 if bidirectional else 1), 5 if batch_first else 6, 4, dtype=torch.float64)
    wanted, (h, c) = module(x, tuple(state))
    found = unrolled(x, state, module._flat_weights, bias, 2, 0.0, True, bidirectional, batch_first)
    for one, other in zip(found, (wanted, h, c), strict=True):
        torch.testing.assert_close(one, other)


def test_what_it_does_not_do_is_refused():
    x, state = torch.zeros(2, 5, 3), torch.zeros(2, 1, 2, 4)
    module = nn.LSTM(3, 4, proj_size=2)
    for weights, dropout in ((module._flat_weights, 0.0), (module._flat_weights[:4], 0.5)):
        with pytest.raises(NotImplementedError, match="an LSTM with dropout or with projections"):
            unrolled(x, state, weights, True, 1, dropout, True, False, True)


def test_speakers_learn_in_a_stack_what_they_learn_alone():
    draw = torch.Generator().manual_seed(0)
    pool = Examples(torch.randint(6, (13, 5), generator=draw), torch.randint(6, (13, 5), generator=draw))
    shards = Shards(pool, (torch.arange(4), torch.arange(4, 13)), NextToken())
    module = CharLSTM(hidden=5).build((5,), 6, 0)
    origin, config = ParameterLayout.of(module).flatten(module), LocalTraining(lr=1.0, batch_size=3, epochs=1)
    tickets = [Ticket(client, client, origin) for client in range(2)]
    found = [
        torch.stack([done.update for done in make_engine(module, shards, config.but(engine=engine), 0)(tickets)])
        for engine in ("sequential", "vectorized")
    ]
    assert found[0].norm() > 0.1
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)
    assert choose_engine(module, shards, config).kind == "workers"
