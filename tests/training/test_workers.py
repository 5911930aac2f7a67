import copy

import pytest
import torch
from torch import nn

from fedprop.params import ParameterLayout
from fedprop.training import LocalTraining, Ticket
from fedprop.training.sequential import Sequential
from fedprop.training.workers import Workers

CONFIG = LocalTraining(epochs=2, batch_size=4, momentum=0.5)


@pytest.fixture
def threads():
    """Torch's own number of threads, put back in the end."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def model():
    return nn.Sequential(
        nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 3)
    )


def tickets_of(module, clients):
    origin = ParameterLayout.of(module).flatten(module)
    return [Ticket(client, task, origin + 0.01 * task) for task, client in enumerate(clients)]


def workers(module, shards, count=None, together=1):
    return Workers(
        lambda: Sequential(copy.deepcopy(module), shards, CONFIG, 0, draws="none"), together=together, count=count
    )


@pytest.mark.parametrize("together", [1, 2, 10])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_are_those_of_one_thread_to_the_bit_and_in_order(shards, threads, count, together):
    module = model()
    tickets = tickets_of(module, [4, 0, 2, 3, 4, 0])
    found = workers(module, shards, count, together)(tickets)
    torch.set_num_threads(1)
    wanted = Sequential(module, shards, CONFIG, 0)(tickets)
    assert [(r.examples, r.steps, r.loss) for r in found] == [(r.examples, r.steps, r.loss) for r in wanted]
    assert all(torch.equal(one.update, other.update) for one, other in zip(found, wanted, strict=True))


def test_no_tickets_no_results(shards):
    assert workers(nn.Linear(4, 3), shards)([]) == []


def test_there_are_as_many_workers_as_torch_may_use_threads(shards, threads):
    torch.set_num_threads(3)
    assert len(workers(nn.Linear(4, 3), shards).engines) == 3


@pytest.mark.parametrize(
    ("tickets", "together", "groups"),
    [
        (7, 3, [2, 2, 3]),
        (9, 3, [3, 3, 3]),
        (1, 3, [1]),
        (0, 3, []),
        (15, 100, [15]),
        (17, 100, [8, 9]),
        (100, 100, [50, 50]),
        (100, 40, [33, 33, 34]),
    ],
)
def test_groups_are_few_and_even_whatever_the_number_of_workers(tickets, together, groups):
    sizes = []

    def note(group):
        sizes.append(len(group))
        return []

    for count in (1, 4):
        sizes.clear()
        Workers(lambda: note, together=together, count=count)([None] * tickets)
        assert sorted(sizes) == groups


class Picky(nn.Linear):
    """Fails on the first input it sees that is not finite."""

    def forward(self, x):
        if not self.weight.isfinite().all():
            raise ArithmeticError("no")
        return super().forward(x)


def test_an_error_comes_out_and_the_workers_work_on(shards):
    module = Picky(4, 3)
    tickets = tickets_of(module, [0, 4, 3])
    bad = Ticket(0, 9, torch.full_like(tickets[0].origin, float("nan")))
    train = workers(module, shards, 2)
    for _ in range(3):
        with pytest.raises(ArithmeticError, match="no"):
            train([tickets[0], bad, tickets[1]])
    assert [result.examples for result in train(tickets)] == [7, 12, 4]


def test_workers_leave_the_global_generator_alone(shards):
    module = nn.Linear(4, 3)
    before = torch.random.get_rng_state()
    workers(module, shards, 2)(tickets_of(module, [0, 4]))
    assert torch.equal(torch.random.get_rng_state(), before)
