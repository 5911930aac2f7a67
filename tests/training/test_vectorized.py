import copy
from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from fedprop.data.base import Examples
from fedprop.errors import RunFailed
from fedprop.params import ParameterLayout
from fedprop.training import LocalTraining, Shards, Ticket, vectorized
from fedprop.training.sequential import Sequential
from fedprop.training.stacked import StackedDescent, _clipped
from fedprop.training.vectorized import Vectorized


def tickets_of(module, clients):
    origin = ParameterLayout.of(module).flatten(module)
    return [Ticket(client, task, origin) for task, client in enumerate(clients)]


def stacked(module, shards, config, members=100):
    return Vectorized(module, shards, config, 0, members=members)


def both(module, shards, config):
    return stacked(module, shards, config), Sequential(module, shards, config, 0)


def assert_agree(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.update, other.update, rtol=1e-4, atol=1e-6)
        assert (one.examples, one.steps) == (other.examples, other.steps)


def test_no_tickets_no_results(shards):
    assert stacked(nn.Linear(4, 3), shards, LocalTraining())([]) == []


def test_clients_without_examples_change_nothing(shards):
    module = nn.Linear(4, 3)
    alone = stacked(module, shards, LocalTraining(epochs=2))(tickets_of(module, [2]))
    among = stacked(module, shards, LocalTraining(epochs=2))(tickets_of(module, [0, 2, 4]))
    for result in (alone[0], among[1]):
        assert (result.examples, result.steps, result.loss) == (0, 0, 0.0)
        assert not result.update.any()


@pytest.mark.parametrize("members", [1, 2, 3])
def test_chunks_that_bound_the_memory_change_nothing(shards, members):
    module = nn.Linear(4, 3)
    config = LocalTraining(epochs=2, batch_size=3)
    tickets = tickets_of(module, [4, 0, 2, 3, 1, 4, 4])
    assert_agree(stacked(module, shards, config, members)(tickets), stacked(module, shards, config)(tickets))


class Crowded(StackedDescent):
    """A device whose memory is too small for more than `room` clients."""

    room = 2
    error = torch.OutOfMemoryError("CUDA out of memory")
    asked: ClassVar[list[int]] = []

    def __call__(self, starts, *others, **more):
        self.asked.append(len(starts))
        if len(starts) > self.room:
            raise self.error
        return super().__call__(starts, *others, **more)


CPU_ERROR = "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError(CPU_ERROR)])
def test_without_memory_for_a_chunk_half_of_it_is_tried(shards, monkeypatch, error):
    monkeypatch.setattr(vectorized, "StackedDescent", Crowded)
    monkeypatch.setattr(Crowded, "error", error)
    monkeypatch.setattr(Crowded, "asked", [])
    module = nn.Linear(4, 3)
    config = LocalTraining(epochs=2, batch_size=3)
    tickets = tickets_of(module, [4, 0, 2, 3, 1, 4, 4, 0, 0])
    train = stacked(module, shards, config)
    with pytest.warns(RuntimeWarning) as warned:
        found = train(tickets)
    assert Crowded.asked == [9, 4, 2, 2, 2, 2, 1]
    assert [str(w.message) for w in warned] == [
        "9 clients at once do not fit into memory; training goes on with 4 at a time",
        "4 clients at once do not fit into memory; training goes on with 2 at a time",
    ]
    assert_agree(found, Sequential(module, shards, config, 0)(tickets))
    train(tickets[:3])
    assert Crowded.asked[-2:] == [2, 1]


def test_a_client_too_large_for_the_memory_ends_the_run(shards, monkeypatch):
    monkeypatch.setattr(vectorized, "StackedDescent", Crowded)
    monkeypatch.setattr(Crowded, "room", 0)
    module = nn.Linear(4, 3)
    with pytest.raises(RunFailed, match="one client's training must fit into memory; found: CUDA out of memory"):
        stacked(module, shards, LocalTraining())(tickets_of(module, [0]))


def test_other_errors_come_out_as_they_are(shards, monkeypatch):
    monkeypatch.setattr(vectorized, "StackedDescent", Crowded)
    monkeypatch.setattr(Crowded, "error", RuntimeError("shapes cannot be multiplied"))
    module = nn.Linear(4, 3)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        stacked(module, shards, LocalTraining())(tickets_of(module, [0, 1, 3]))


def test_another_clients_overflow_stays_its_own():
    """A client padded with another's example would catch the infinite loss of that example."""
    x = torch.full((5, 2), 1e30)
    x[4] = 1.0
    pool = Examples(x, torch.tensor([0, 1, 0, 1, 0]))
    shards = Shards(pool, (torch.arange(4), torch.tensor([4])))
    module = nn.Linear(2, 2, bias=False)
    origin = torch.tensor([1e30, 0.0, 0.0, 1e30])
    tickets = [Ticket(0, 0, origin), Ticket(1, 1, origin)]
    overflown, sound = stacked(module, shards, LocalTraining())(tickets)
    wanted = Sequential(module, shards, LocalTraining(), 0)(tickets)[1]
    assert not overflown.update.isfinite().all()
    assert torch.equal(sound.update, wanted.update)


def test_a_normalising_model_never_sees_padding(shards):
    module = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3))
    config = LocalTraining(steps=3, batch_size=5)
    tickets = tickets_of(module, [0, 3, 4, 0])
    found, wanted = (engine(tickets) for engine in both(module, shards, config))
    assert_agree(found, wanted)
    counter = ParameterLayout.of(module).slices["0.num_batches_tracked"]
    assert [result.update[counter].item() for result in found] == [3.0] * 4


class Counting(nn.Module):
    """Keeps the sum of all inputs it saw, in a buffer of its own."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.register_buffer("total", torch.zeros(4))

    def forward(self, x):
        self.total += x.sum(0)
        return self.linear(x)


def test_statistics_of_ones_own_never_see_padding(shards):
    module = Counting()
    config = LocalTraining(lr=1e-6, epochs=1, batch_size=5)
    clients = [0, 3, 4]
    results = stacked(module, shards, config)(tickets_of(module, clients))
    total = ParameterLayout.of(module).slices["total"]
    for client, result in zip(clients, results, strict=True):
        torch.testing.assert_close(result.update[total], shards.pool.x[shards.parts[client]].sum(0))


def test_the_gradient_of_a_batch_is_clipped_as_torch_does(shards):
    """The proximal term counts, weight decay comes after; client 1 is below the norm and is left alone."""
    module = nn.Linear(4, 3)
    config = LocalTraining(lr=1.0, steps=2, batch_size=12, clip_norm=0.8, proximal=0.5, weight_decay=0.1)
    tickets, engines = tickets_of(module, [0, 1, 3]), both(copy.deepcopy(module), shards, config)
    for ticket, *results in zip(tickets, *(engine(tickets) for engine in engines), strict=True):
        own, part = copy.deepcopy(module), shards.parts[ticket.client]
        optimizer = torch.optim.SGD(own.parameters(), lr=1.0, weight_decay=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            pull = sum(
                (p - q.detach()).square().sum() for p, q in zip(own.parameters(), module.parameters(), strict=True)
            )
            torch.autograd.backward(cross_entropy(own(shards.pool.x[part]), shards.pool.y[part]) + 0.25 * pull)
            clip_grad_norm_(own.parameters(), 0.8)
            optimizer.step()
        wanted = ParameterLayout.of(own).flatten(own) - ticket.origin
        for result in results:
            torch.testing.assert_close(result.update, wanted, rtol=1e-4, atol=1e-6)


def test_each_ticket_has_the_rate_of_its_own_round(shards):
    """One plain step goes lr * gradient far, whoever trains beside it."""
    module = nn.Linear(4, 3)
    origin = ParameterLayout.of(module).flatten(module)
    config = LocalTraining(lr=0.4, batch_size=12, lr_schedule={"kind": "exponential", "shrink": 0.5})
    tickets = [Ticket(0, 0, origin), Ticket(0, 0, origin, round=1), Ticket(0, 0, origin, round=2)]
    for engine in both(module, shards, config):
        first, second, third = (result.update for result in engine(tickets))
        torch.testing.assert_close(second, first / 2)
        torch.testing.assert_close(third, first / 4)


def test_results_share_no_memory(shards):
    module = nn.Linear(4, 3)
    first, second = stacked(module, shards, LocalTraining())(tickets_of(module, [0, 4]))
    before = second.update.clone()
    first.update.fill_(7.0)
    assert torch.equal(second.update, before)
    assert first.update.untyped_storage().nbytes() == first.update.nbytes


def test_half_precision_models_train_in_their_own_precision(shards):
    module = nn.Linear(4, 3).to(torch.bfloat16)
    pool = Examples(shards.pool.x.to(torch.bfloat16), shards.pool.y)
    config = LocalTraining(steps=2, batch_size=4)
    tickets, half = tickets_of(module, [0, 4]), Shards(pool, shards.parts)
    found, wanted = (engine(tickets) for engine in both(module, half, config))
    for one, other in zip(found, wanted, strict=True):
        assert one.update.dtype == torch.float32
        torch.testing.assert_close(one.update, other.update, rtol=0.05, atol=0.01)


def test_a_short_gradient_is_clipped_with_the_slack_of_torch():
    """The slack of 1e-6 is a tenth of a norm of 1e-5, and nothing beside the norms of ordinary training."""
    stack = {"weight": torch.tensor([[6e-6, 8e-6], [6e-6, 8e-6]]), "bias": torch.zeros(2, 1)}
    own = torch.nn.Parameter(torch.zeros(2))
    own.grad = stack["weight"][0].clone()
    clip_grad_norm_([own], 1e-6)
    torch.testing.assert_close(_clipped(stack, 1e-6)["weight"], own.grad.expand(2, 2), rtol=1e-5, atol=0)
