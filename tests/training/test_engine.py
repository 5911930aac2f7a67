import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout
from fedprop.training import LocalTraining, Shards, Ticket, make_engine, memory
from fedprop.training.sequential import Sequential
from fedprop.training.vectorized import Vectorized
from fedprop.training.workers import Workers

RANDOM = {
    "Dropout at '1'": nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)),
    "AlphaDropout at '0.0'": nn.Sequential(nn.Sequential(nn.AlphaDropout(0.1), nn.Linear(4, 3))),
    "RReLU at '1'": nn.Sequential(nn.Linear(4, 3), nn.RReLU()),
    "LSTM at ''": nn.LSTM(4, 3, num_layers=2, dropout=0.1),
    "MultiheadAttention at ''": nn.MultiheadAttention(4, 2, dropout=0.1),
}


class Hidden(nn.Linear):
    """Drops inputs out without a layer that says so."""

    def forward(self, x):
        return super().forward(dropout(x, 0.5, self.training))


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
        (nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)), SEQUENTIAL),
        (Hidden(4, 3), SEQUENTIAL),
    ],
    ids=["linear", "idle dropout", "large", "convolution", "batch norm", "dropout", "hidden dropout"],
)
def test_auto_stacks_on_a_cpu_what_gains_from_it(module, shards, chosen):
    assert kind_of(engine_of(module, shards, "auto")) == chosen


@pytest.mark.parametrize(
    ("kind", "chosen"), [("sequential", SEQUENTIAL), ("workers", WORKERS), ("vectorized", VECTORIZED)]
)
def test_an_engine_asked_for_is_the_one_made(shards, kind, chosen):
    assert kind_of(engine_of(nn.Linear(4, 3), shards, kind)) == chosen
    assert kind_of(engine_of(nn.BatchNorm1d(4), shards, kind)) == chosen


@pytest.mark.parametrize("kind", ["vectorized", "workers"])
@pytest.mark.parametrize("where", RANDOM)
def test_random_layers_train_one_client_at_a_time_and_are_named(shards, where, kind):
    with pytest.raises(InvalidConfig) as caught:
        engine_of(RANDOM[where], shards, kind)
    assert str(caught.value) == f"`engine` must not be {kind} for a model with random layers; found {where}"
    assert isinstance(engine_of(RANDOM[where], shards, "auto"), Sequential)


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
def test_training_on_a_gpu_agrees_with_the_cpu(shards, kind):
    module = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, momentum=None), nn.Linear(5, 3))
    origin = ParameterLayout.of(module).flatten(module)
    further = {"clip_norm": 0.5, "lr_schedule": {"kind": "exponential", "shrink": 0.5}}
    config = LocalTraining(steps=3, batch_size=4, momentum=0.5, proximal=0.1, engine=kind, **further)
    there = Shards(type(shards.pool)(shards.pool.x.cuda(), shards.pool.y.cuda()), tuple(p.cuda() for p in shards.parts))
    wanted = make_engine(module, shards, config, 0)([Ticket(c, c, origin, round=c) for c in (0, 3, 4)])
    found = make_engine(module, there, config, 0)([Ticket(c, c, origin.cuda(), round=c) for c in (0, 3, 4)])
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.update.cpu(), other.update, rtol=1e-3, atol=1e-4)
