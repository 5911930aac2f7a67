"""The door's rules, one at a time; that they leave no gap and no overlap is a spec (specs/test_admission.py)."""

import pytest
import torch

from fedprop.messages import Invitation, Reason, Update, encode
from fedprop.simulation.admission import Door
from fedprop.simulation.ledger import Ledger, TaskState

DOOR = Door(clients=3, size=2, dtype=torch.float32, max_staleness=1)


@pytest.fixture
def ledger():
    ledger = Ledger()
    for client in range(3):
        ledger.issue(client, 0, 4, torch.zeros(2), 0.0)
    return ledger


def update(**changes):
    row = torch.zeros(2)
    return Update(**{"client": 1, "task": 1, "version": 4, "update": row, "examples": 5, **changes})


def test_an_update_is_read_as_it_is_and_from_the_wire():
    message = update(examples=77)
    assert DOOR.read(message) is message
    assert DOOR.read(encode(message)).examples == 77


@pytest.mark.parametrize(
    "payload", [b"", b"junk", encode(update())[:-1], Invitation(task=0, round=0, version=0, parameters=torch.zeros(2))]
)
def test_what_is_no_update_is_malformed(payload):
    assert DOOR.read(payload) is Reason.MALFORMED


def test_only_the_client_that_holds_an_open_task_may_answer_it(ledger):
    assert DOOR.identify(1, update(), ledger) is ledger.open[1]
    assert DOOR.identify(2, update(), ledger) is Reason.WRONG_SENDER
    assert DOOR.identify(1, update(client=2), ledger) is Reason.WRONG_SENDER
    assert DOOR.identify(2, update(client=2), ledger) is Reason.WRONG_SENDER
    assert DOOR.identify(3, update(client=3), ledger) is Reason.UNKNOWN_CLIENT
    assert DOOR.identify(1, update(task=-1), ledger) is Reason.UNKNOWN_TASK


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (TaskState.ACCEPTED, Reason.DUPLICATE),
        (TaskState.REFUSED, Reason.DUPLICATE),
        (TaskState.TIMED_OUT, Reason.TIMED_OUT),
        (TaskState.CLOSED, Reason.CLOSED),
    ],
)
def test_a_task_is_answered_once_and_in_time(ledger, state, reason):
    ledger.end(1, state)
    assert DOOR.identify(1, update(), ledger) is reason


def test_staleness_counts_up_to_the_maximum(ledger):
    task = ledger.open[1]
    assert DOOR.inspect(update(), task, current=5) is None
    assert DOOR.inspect(update(), task, current=6) is Reason.TOO_STALE
    patient = Door(clients=3, size=2, dtype=torch.float32)
    assert patient.inspect(update(), task, current=10**6) is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (torch.zeros(3), Reason.OVERSIZED),
        (torch.zeros(1), Reason.WRONG_SHAPE),
        (torch.zeros(2, 1), Reason.WRONG_SHAPE),
        (torch.zeros(2, dtype=torch.float64), Reason.WRONG_DTYPE),
        (torch.tensor([0.0, float("nan")]), Reason.NOT_FINITE),
        (torch.tensor([0.0, -float("inf")]), Reason.NOT_FINITE),
        (torch.tensor([0.0, 3e38]), None),
    ],
)
def test_rows_are_inspected(ledger, row, reason):
    assert DOOR.inspect(update(update=row), ledger.open[1], current=4) is reason


def test_rows_that_were_looked_at_before_are_not_inspected_again(ledger):
    row = torch.tensor([0.0, float("nan")])
    assert DOOR.inspect(update(update=row), ledger.open[1], current=4, fits=True) is None
    assert DOOR.inspect(update(update=row, examples=0), ledger.open[1], current=4, fits=True) is Reason.BAD_SIZE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"examples": 0}, Reason.BAD_SIZE),
        ({"examples": 1}, None),
        ({"steps": 0}, Reason.BAD_STEPS),
        ({"steps": -3}, Reason.BAD_STEPS),
        ({"version": 3}, Reason.WRONG_VERSION),
        ({"version": 5}, Reason.WRONG_VERSION),
    ],
)
def test_counts_are_inspected(ledger, changes, reason):
    assert DOOR.inspect(update(**changes), ledger.open[1], current=4) is reason
