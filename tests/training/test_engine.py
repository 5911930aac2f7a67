import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import dropout
from torch.utils.checkpoint import checkpoint

from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout
from fedprop.training import LocalTraining, Shards, Ticket, make_engine, memory
from fedprop.training.engine import choose_engine
from fedprop.training.sequential import Sequential
from fedprop.training.vectorized import Vectorized
from fedprop.training.workers import Workers


class Recurrent(nn.Module):
    def __init__(self, dropout=0.0, kind=nn.LSTM):
        super().__init__()
        self.core = kind(1, 3, num_layers=2, dropout=dropout, batch_first=True)

    def forward(self, x):
        return self.core(x[:, :, None])[0][:, -1]


class Attentive(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.core = nn.MultiheadAttention(4, 2, dropout=dropout, batch_first=True)

    def forward(self, x):
        x = x[:, None].expand(-1, 2, -1)
        return self.core(x, x, x)[0][:, 0, :3]


RANDOM = {
    "Dropout at '1'": nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)),
    "AlphaDropout at '0.0'": nn.Sequential(nn.Sequential(nn.AlphaDropout(0.1), nn.Linear(4, 3))),
    "RReLU at '1'": nn.Sequential(nn.Linear(4, 3), nn.RReLU()),
    "LSTM at 'core'": Recurrent(0.1),
    "MultiheadAttention at 'core'": Attentive(0.1),
}


class Hidden(nn.Linear):
    """Drops inputs out without a layer that says so."""

    def forward(self, x):
        return super().forward(dropout(x, 0.5, self.training))


class Checkpointed(nn.Linear):
    """Computes activations again for the backward pass."""

    def __init__(self, share):
        super().__init__(4, 3)
        self.share = share

    def forward(self, x):
        return checkpoint(lambda x: dropout(super(Checkpointed, self).forward(x), self.share), x, use_reentrant=False)


class Foreign(nn.Linear):
    """Draws from NumPy."""

    def forward(self, x):
        return super().forward(x * np.random.rand())


SHARING = {
    "checkpointed dropout": Checkpointed(0.5),
    "numpy": Foreign(4, 3),
}
"""Models whose random numbers come from generators that the whole process shares."""


def picture_model():
    return nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 3, 2), nn.Flatten())


def engine_of(module, shards, kind):
    return make_engine(module, shards, LocalTraining(engine=kind), seed=0)


def kind_of(engine):
    """What trains, alone or in workers."""
    return ("workers of ", type(engine.engines[0])) if isinstance(engine, Workers) else ("", type(engine))


SEQUENTIAL, WORKERS, VECTORIZED = ("", Sequential), ("workers of ", Sequential), ("workers of ", Vectorized)


@pytest.mark.parametrize(
    ("module", "chosen"),
    [
        (nn.Linear(4, 3), VECTORIZED),
        (nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.0)), VECTORIZED),
        (nn.Linear(4, 30_000), WORKERS),
        (picture_model(), WORKERS),
        (nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)), WORKERS),
        (nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)), WORKERS),
        (Hidden(4, 3), WORKERS),
        (Checkpointed(0.5), SEQUENTIAL),
        (Foreign(4, 3), SEQUENTIAL),
    ],
    ids=[
        "linear",
        "idle dropout",
        "large",
        "convolution",
        "batch norm",
        "dropout",
        "hidden dropout",
        "checkpointed dropout",
        "numpy",
    ],
)
def test_auto_stacks_on_a_cpu_what_gains_from_it(module, pairs, chosen):
    assert kind_of(engine_of(module, pairs, "auto")) == chosen


@pytest.mark.parametrize(
    ("kind", "chosen"), [("sequential", SEQUENTIAL), ("workers", WORKERS), ("vectorized", VECTORIZED)]
)
def test_an_engine_asked_for_is_the_one_made(pairs, kind, chosen):
    assert kind_of(engine_of(nn.Linear(4, 3), pairs, kind)) == chosen
    assert kind_of(engine_of(nn.BatchNorm1d(4), pairs, kind)) == chosen


@pytest.mark.parametrize("where", RANDOM)
def test_random_layers_are_not_stacked_and_are_named(shards, where):
    with pytest.raises(InvalidConfig) as caught:
        engine_of(RANDOM[where], shards, "vectorized")
    assert str(caught.value) == f"`engine` must not be vectorized for a model with random layers; found {where}"
    assert choose_engine(RANDOM[where], shards, LocalTraining()).draws == "own"


@pytest.mark.parametrize("kind", ["vectorized", "workers"])
@pytest.mark.parametrize("module", SHARING.values(), ids=SHARING)
def test_who_shares_the_processs_generators_trains_one_client_at_a_time(shards, module, kind):
    with pytest.raises(InvalidConfig, match=f"`engine` must not be {kind} for a model with random layers; found draws"):
        engine_of(module, shards, kind)


@pytest.mark.parametrize("module", [*RANDOM.values(), *SHARING.values()], ids=[*RANDOM, *SHARING])
def test_random_models_learn_the_same_again_whoever_draws_besides(shards, module):
    origin = ParameterLayout.of(module).flatten(module)
    tickets = [Ticket(client, client, origin) for client in (4, 0, 3)]
    train = engine_of(module, shards, "auto")
    before = torch.random.get_rng_state()
    wanted = [result.update for result in train(tickets)]
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    np.random.rand()
    found = [train([ticket])[0].update for ticket in reversed(tickets)][::-1]
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


def test_a_generator_of_ones_own_draws_what_the_processs_would(shards):
    module = RANDOM["LSTM at 'core'"]
    ticket = Ticket(4, 0, ParameterLayout.of(module).flatten(module))
    own, shared = (Sequential(module, shards, LocalTraining(steps=3), 0, draws=draws) for draws in ("own", "shared"))
    assert torch.equal(own([ticket])[0].update, shared([ticket])[0].update)


def test_hidden_randomness_draws_from_the_tickets_own_stream(shards):
    module = Hidden(4, 3)
    origin = ParameterLayout.of(module).flatten(module)
    first, other = Ticket(4, 0, origin), Ticket(4, 1, origin)
    train = engine_of(module, shards, "auto")
    wanted = [result.update for result in train([first, other])]
    torch.rand(3)
    assert torch.equal(train([other])[0].update, wanted[1])
    assert not torch.equal(wanted[0], wanted[1])


def test_stacks_are_as_large_as_the_memory_meant_for_them(shards, monkeypatch):
    assert engine_of(nn.Linear(4, 3), shards, "vectorized").together > 100
    monkeypatch.setattr(memory, "CPU_BYTES", 1)
    train = engine_of(nn.Linear(4, 3), shards, "vectorized")
    assert (train.together, {engine.members for engine in train.engines}) == (1, {1})


def test_convolutions_keep_their_tensors_channels_last(shards):
    train = engine_of(picture_model(), shards, "sequential")
    assert train.module[1].weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", ["sequential", "workers", "vectorized"])
def test_the_module_given_is_left_alone(shards, kind):
    module = nn.Linear(4, 3).eval()
    before = module.weight.detach().clone()
    origin = ParameterLayout.of(module).flatten(module) + 1.0
    engine_of(module, shards, kind)([Ticket(0, 0, origin)])
    assert torch.equal(module.weight, before)
    assert not module.training


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["sequential", "workers", "vectorized", "auto"])
def test_training_on_a_gpu_agrees_with_the_cpu(pairs, kind):
    # A stack knows no running average over all batches.
    momentum, shards = (0.1 if kind == "vectorized" else None), pairs
    module = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, momentum=momentum), nn.Linear(5, 3))
    origin = ParameterLayout.of(module).flatten(module)
    further = {"clip_norm": 0.5, "lr_schedule": {"kind": "exponential", "shrink": 0.5}}
    config = LocalTraining(steps=3, batch_size=4, momentum=0.5, proximal=0.1, engine=kind, **further)
    there = Shards(type(shards.pool)(shards.pool.x.cuda(), shards.pool.y.cuda()), tuple(p.cuda() for p in shards.parts))
    wanted = make_engine(module, shards, config, 0)([Ticket(c, c, origin, round=c) for c in (0, 3, 4)])
    found = make_engine(module, there, config, 0)([Ticket(c, c, origin.cuda(), round=c) for c in (0, 3, 4)])
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.update.cpu(), other.update, rtol=1e-3, atol=1e-4)
