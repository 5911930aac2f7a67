import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, GaussianNoise, Krum, Mean
from fedprop.defenses import Closed, Defense, Guarded
from fedprop.errors import InvalidConfig


class Remembering(Aggregator):
    """The mean of everything it ever saw from a client, and how often it was asked."""

    kind: str = "remembering"

    def init(self):
        return {}

    def combine(self, cohort, state):
        memory = dict(state)
        for client, row in zip(cohort.clients, cohort.updates, strict=True):
            memory[client] = memory.get(client, 0) + row
        weights = torch.tensor(cohort.examples, dtype=cohort.updates.dtype)
        return Aggregation(sum(memory.values()), weights, memory)


def row(*values):
    return torch.tensor(values)


@pytest.fixture
def server():
    machine = Guarded(Mean(), size=2)
    machine.open(0, [41, 7])
    return machine


def test_it_is_a_defense(server):
    assert isinstance(server, Defense)
    assert server.contract().linear


def test_the_mean_of_what_was_accepted(server):
    assert server.receive(41, row(1.0, 2.0), round=0)
    assert server.receive(7, row(3.0, 6.0), round=0)
    value, verdicts = server.close()
    assert value.tolist() == [2.0, 4.0]
    assert verdicts == {7: 0.5, 41: 0.5}


@pytest.mark.parametrize(
    ("client", "update", "message"),
    [
        (5, row(1.0, 2.0), {"round": 0}),
        (41, row(1.0, 2.0), {"round": -1}),
        (41, row(1.0, 2.0), {"round": 1}),
        (41, row(1.0), {"round": 0}),
        (41, row(1.0, 2.0, 3.0), {"round": 0}),
        (41, row(1.0, 2.0)[None], {"round": 0}),
        (41, row(1.0, 2.0).double(), {"round": 0}),
        (41, row(1, 2), {"round": 0}),
        (41, row(1.0, float("nan")), {"round": 0}),
        (41, row(1.0, float("inf")), {"round": 0}),
        (41, [1.0, 2.0], {"round": 0}),
        (41, row(1.0, 2.0), {"round": 0, "examples": 0}),
    ],
)
def test_junk_is_refused_and_may_be_followed_by_better(server, client, update, message):
    assert not server.receive(client, update, **message)
    assert server.receive(41, row(1.0, 2.0), round=0)
    assert server.close().verdicts == {41: 1.0}


def test_a_second_update_is_refused(server):
    assert server.receive(41, row(1.0, 2.0), round=0)
    assert not server.receive(41, row(9.0, 9.0), round=0)
    assert server.close().value.tolist() == [1.0, 2.0]


def test_late_updates_are_refused(server):
    server.close()
    assert not server.receive(41, row(1.0, 2.0), round=0)
    server.open(1, [41])
    assert not server.receive(41, row(1.0, 2.0), round=0)


def test_what_happens_to_a_tensor_later_does_not_matter(server):
    update = row(1.0, 2.0)
    server.receive(41, update, round=0)
    update.zero_()
    assert server.close().value.tolist() == [1.0, 2.0]


def test_too_few_updates_have_no_value_and_the_next_round_goes_on():
    machine = Guarded(Krum(f=1), size=1)
    machine.open(0, range(10, 15))
    machine.receive(10, row(1.0), round=0)
    assert machine.close() == Closed(None, {})
    machine.open(1, [])
    assert machine.close() == Closed(None, {})
    machine.open(2, range(10, 15))
    for client in range(10, 15):
        assert machine.receive(client, row(float(client)), round=2)
    assert machine.close().value is not None


def test_memory_and_examples_reach_the_rule():
    machine = Guarded(Remembering(), size=1)
    for number in range(2):
        machine.open(number, [41, 7])
        machine.receive(41, row(1.0), round=number, examples=3)
        machine.receive(7, row(2.0), round=number)
        closed = machine.close()
    assert closed.value.tolist() == [6.0]
    assert closed.verdicts == {7: 1.0, 41: 3.0}


def test_calls_out_of_turn_are_errors(server):
    with pytest.raises(InvalidConfig, match="found round 0 still open"):
        server.open(1, [41])
    server.close()
    with pytest.raises(InvalidConfig, match="`close` must follow `open`"):
        server.close()
    with pytest.raises(InvalidConfig, match="must exceed the one before, 0; found 0"):
        server.open(0, [41])


def test_what_it_is_made_of():
    with pytest.raises(InvalidConfig, match="found 0"):
        Guarded(Mean(), size=0)
    with pytest.raises(InvalidConfig, match="found torch"):
        Guarded(Mean(), size=1, dtype=torch.int64)


def test_a_rule_that_draws_is_told_the_round_and_has_other_numbers_in_each():
    def played(seed):
        server, answers = Guarded(Mean() >> GaussianNoise(std=1.0, rounds=3), size=2, seed=seed), []
        for number in range(3):
            server.open(number, clients=[4])
            assert server.receive(4, torch.zeros(2), round=number)
            answers.append(server.close().value.tolist())
        return answers

    first, second, last = played(0)
    assert first != second
    assert last == [0.0, 0.0]
    assert played(0) == [first, second, last]
    assert played(1) != [first, second, last]
