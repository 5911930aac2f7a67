"""Which engine trains privately, and whom."""

import pytest
import torch
from torch import nn

from fedprop.params import ParameterLayout
from fedprop.training import LocalTraining, Shards, Ticket, make_engine, memory
from fedprop.training.divided import Divided
from fedprop.training.private_sequential import PrivateSequential
from fedprop.training.private_vectorized import PrivateVectorized
from fedprop.training.workers import Workers

PRIVACY = {"noise_multiplier": 1.0}


def private(**config):
    return LocalTraining(**{"privacy": PRIVACY, "batch_size": 3, "steps": 2, **config})


def tickets_of(module, clients):
    origin = ParameterLayout.of(module).flatten(module)
    return [Ticket(client, task, origin) for task, client in enumerate(clients)]


def kind_of(engine):
    return type(engine.engines[0]) if isinstance(engine, Workers) else type(engine)


@pytest.mark.parametrize(
    ("module", "kind", "chosen"),
    [
        (nn.Linear(4, 3), "auto", PrivateVectorized),
        (nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 3, 2), nn.Flatten()), "auto", PrivateVectorized),
        (nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)), "auto", PrivateSequential),
        (nn.Linear(4, 3), "workers", PrivateSequential),
        (nn.Linear(4, 3), "sequential", PrivateSequential),
    ],
)
def test_the_engine_of_private_training(module, kind, chosen, shards):
    engine = make_engine(module, shards, private(engine=kind), 0)
    assert kind_of(engine) is chosen
    for result in engine(tickets_of(module, [0, 4])):
        assert result.update.any()
        assert result.loss == 0.0


def test_threads_find_what_one_client_after_the_other_does(shards):
    module = nn.Linear(4, 3)
    tickets = tickets_of(module, [0, 1, 2, 3, 4])
    alone, threads = (make_engine(module, shards, private(engine=kind), 0) for kind in ("sequential", "workers"))
    for wanted, found in zip(alone(tickets), threads(tickets), strict=True):
        torch.testing.assert_close(found.update, wanted.update, rtol=1e-5, atol=1e-6)


def test_who_is_exempt_trains_without_noise_and_in_his_place(shards):
    module = nn.Linear(4, 3)
    tickets = tickets_of(module, [4, 0, 3, 0, 4])
    divided = make_engine(module, shards, private(), 0, exempt=frozenset({0}))
    assert isinstance(divided, Divided)
    noisy = make_engine(module, shards, private(), 0)(tickets)
    plain = make_engine(module, shards, LocalTraining(batch_size=3, steps=2), 0)(tickets)
    for ticket, found, one, other in zip(tickets, divided(tickets), noisy, plain, strict=True):
        wanted = other if ticket.client == 0 else one
        torch.testing.assert_close(found.update, wanted.update, rtol=1e-5, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["sequential", "vectorized"])
def test_a_gpu_trains_with_the_same_noise(shards, kind):
    module, config = nn.Linear(4, 3), private(engine=kind, privacy={**PRIVACY, "quantile": {}})
    pool = type(shards.pool)(shards.pool.x.cuda(), shards.pool.y.cuda())
    there = Shards(pool, tuple(part.cuda() for part in shards.parts))
    tickets = tickets_of(module, [0, 2, 4])
    moved = [Ticket(ticket.client, ticket.task, ticket.origin.cuda()) for ticket in tickets]
    wanted, found = make_engine(module, shards, config, 0)(tickets), make_engine(module, there, config, 0)(moved)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.update.cpu(), other.update, rtol=1e-4, atol=1e-5)


def test_every_task_has_noise_of_its_own(shards):
    module = nn.Linear(4, 3)
    first, second = make_engine(module, shards, private(), 0)(tickets_of(module, [4, 4]))
    other = make_engine(module, shards, private(), 1)(tickets_of(module, [4]))[0]
    assert not torch.equal(first.update, second.update)
    assert not torch.equal(first.update, other.update)


def test_the_gradients_of_all_examples_need_room(shards, monkeypatch):
    monkeypatch.setattr(memory, "CPU_BYTES", 2**16)
    module = nn.Linear(4, 3)
    plain, noisy = (
        memory.clients_that_fit(module, shards.pool.x, c) for c in (LocalTraining(), private(batch_size=32))
    )
    assert 1 <= noisy < plain


def test_a_convolution_may_be_stored_channels_last(shards):
    module = nn.Sequential(nn.Unflatten(1, (2, 2, 1)), nn.Conv2d(2, 3, (2, 1)), nn.Flatten())
    tickets = tickets_of(module, [0, 4])
    one, other = (
        make_engine(module, shards, private(engine=kind), 0)(tickets) for kind in ("sequential", "vectorized")
    )
    for found, wanted in zip(one, other, strict=True):
        torch.testing.assert_close(found.update, wanted.update, rtol=1e-4, atol=1e-5)
