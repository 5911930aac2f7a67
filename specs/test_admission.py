"""Admission is total and exclusive: every message gets exactly one verdict, and the verdict is true.

Statement. For every payload, sender, ledger and version:

1. the door answers with one open task or one `Reason`, and raises nothing;
2. a message is admitted if and only if all conditions below hold;
3. the reason given for a refusal names a condition that the message breaks;
4. every reason is given for some message (those that concern reports: specs/test_report_admission.py).

Conditions: the payload is an update; the sender is registered and is whom the message names; the task exists, is open
and was given to the sender; the version is the task's and not too old; the row has the right size, shape and dtype and
is finite; examples and steps are at least 1.

Source: the server of Bonawitz et al. 2019, which keeps what arrives in time and drops the rest; the list of conditions
is ours.

Reason: the checks are a chain of early returns, and each later one may rely on all earlier ones.
"""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from fedprop.messages import Invitation, Reason, Update, encode
from fedprop.simulation.admission import Door
from fedprop.simulation.ledger import Ledger, Task, TaskState
from fedprop.simulation.transport import Payload

CLIENTS, SIZE, CURRENT, PATIENCE = 3, 4, 5, 2
DOOR = Door(clients=CLIENTS, size=SIZE, dtype=torch.float32, max_staleness=PATIENCE)
MEANING = {
    Reason.DUPLICATE: (TaskState.ACCEPTED, TaskState.REFUSED),
    Reason.TIMED_OUT: (TaskState.TIMED_OUT,),
    Reason.CLOSED: (TaskState.CLOSED,),
}


@dataclass(frozen=True)
class Case:
    """A payload that comes over a client's channel."""

    sender: int
    payload: Payload


def ledger_of(states: list[TaskState]) -> Ledger:
    """One task in each of the states given: task i for client i % CLIENTS, from version i."""
    ledger = Ledger()
    for i, state in enumerate(states):
        ledger.issue(i % CLIENTS, 0, i, torch.zeros(SIZE), 0.0)
        if state is not TaskState.OPEN:
            ledger.end(i, state)
    return ledger


def judge(case: Case, ledger: Ledger) -> Task | Reason:
    """The door's checks, in the order in which the server makes them."""
    message = DOOR.read(case.payload)
    if isinstance(message, Reason):
        return message
    task = DOOR.identify(case.sender, message, ledger)
    if isinstance(task, Reason):
        return task
    return DOOR.inspect(message, task, CURRENT) or task


def broken(case: Case, ledger: Ledger) -> set[Reason]:
    """Every reason that applies, each judged by itself."""
    if not isinstance(case.payload, Update):
        return {Reason.MALFORMED}
    message, row = case.payload, case.payload.update
    state = ledger.state(message.task)
    owner = message.task % CLIENTS
    applies = {
        Reason.UNKNOWN_CLIENT: message.client not in range(CLIENTS),
        Reason.WRONG_SENDER: case.sender != message.client or (state is not None and owner != case.sender),
        Reason.UNKNOWN_TASK: state is None,
        **{reason: state in states for reason, states in MEANING.items()},
        Reason.WRONG_VERSION: message.version != message.task,
        Reason.TOO_STALE: CURRENT - message.task > PATIENCE,
        Reason.OVERSIZED: row.numel() > SIZE,
        Reason.WRONG_SHAPE: row.shape != (SIZE,),
        Reason.WRONG_DTYPE: row.dtype != torch.float32,
        Reason.NOT_FINITE: not bool(row.isfinite().all()),
        Reason.BAD_SIZE: message.examples < 1,
        Reason.BAD_STEPS: message.steps < 1,
    }
    return {reason for reason, holds in applies.items() if holds}


def valid(task: int = 4) -> Case:
    """An answer in good order to an open task."""
    client = task % CLIENTS
    row = torch.linspace(-1.0, 1.0, SIZE)
    return Case(client, Update(client=client, task=task, version=task, update=row, examples=10, steps=3))


def but(case: Case, **changes: object) -> Case:
    """The same with some fields changed; `sender` is the channel."""
    sender = changes.pop("sender", case.sender)
    return Case(sender, case.payload._replace(**changes))


rows = st.sampled_from(
    [
        torch.zeros(SIZE),
        torch.zeros(SIZE - 1),
        torch.zeros(SIZE + 1),
        torch.zeros(1, SIZE),
        torch.tensor(1.0),
        torch.zeros(0),
        torch.zeros(SIZE, dtype=torch.float64),
        torch.zeros(SIZE, dtype=torch.complex64),
        torch.zeros(SIZE, dtype=torch.int64),
        torch.full((SIZE,), float("nan")),
        torch.tensor([0.0, 0.0, 0.0, float("-inf")]),
    ]
)
counts = st.one_of(st.integers(-1, 2), st.sampled_from([-(2**63), 2**63 - 1]))
fields = {
    "sender": st.integers(-1, CLIENTS),
    "client": st.integers(-1, CLIENTS),
    "task": st.integers(-2, 12),
    "version": st.integers(-1, 9),
    "update": rows,
    "examples": counts,
    "steps": counts,
}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Answers with at most three fields changed, so that each check is reached."""
    changed = draw(st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True))
    case = valid(draw(st.integers(0, 8)))
    return but(case, **{name: draw(fields[name]) for name in changed})


@st.composite
def junk(draw: st.DrawFn) -> Case:
    """What is no update: bytes of any kind, and messages of another."""
    invitation = Invitation(task=0, round=0, version=0, parameters=torch.zeros(SIZE))
    payload = draw(st.one_of(st.binary(max_size=40), st.sampled_from([invitation, encode(invitation)])))
    return Case(draw(st.integers(-1, CLIENTS)), payload)


ledgers = st.lists(st.sampled_from([TaskState.OPEN, *TaskState]), max_size=9).map(ledger_of)


@given(st.one_of(cases(), cases(), junk()), ledgers)
@example(but(valid(), client=0), ledger_of([TaskState.OPEN] * 9))
def test_every_message_gets_one_true_verdict(case, ledger):
    verdict, reasons = judge(case, ledger), broken(case, ledger)
    if isinstance(verdict, Reason):
        assert verdict in reasons
    else:
        assert not reasons
        assert verdict is ledger.open[case.payload.task]


@given(ledgers, st.integers(0, 8))
def test_judging_changes_nothing(ledger, task):
    states, is_open = bytes(ledger.states), set(ledger.open)
    first = judge(valid(task), ledger)
    assert judge(valid(task), ledger) == first
    assert (bytes(ledger.states), set(ledger.open)) == (states, is_open)


@given(cases(), ledgers)
def test_the_wire_changes_no_verdict(case, ledger):
    assert judge(Case(case.sender, encode(case.payload)), ledger) == judge(case, ledger)


OPEN = [TaskState.OPEN] * 9
EXAMPLES = {
    Reason.MALFORMED: (Case(0, b"junk"), OPEN),
    Reason.UNKNOWN_CLIENT: (but(valid(), client=CLIENTS), OPEN),
    Reason.UNKNOWN_TASK: (but(valid(), task=9), OPEN),
    Reason.WRONG_SENDER: (but(valid(), sender=0), OPEN),
    Reason.DUPLICATE: (valid(), [*OPEN[:4], TaskState.ACCEPTED]),
    Reason.CLOSED: (valid(), [*OPEN[:4], TaskState.CLOSED]),
    Reason.TIMED_OUT: (valid(), [*OPEN[:4], TaskState.TIMED_OUT]),
    Reason.WRONG_VERSION: (but(valid(), version=3), OPEN),
    Reason.TOO_STALE: (valid(2), OPEN),
    Reason.WRONG_DTYPE: (but(valid(), update=torch.zeros(SIZE).double()), OPEN),
    Reason.OVERSIZED: (but(valid(), update=torch.zeros(SIZE + 1)), OPEN),
    Reason.WRONG_SHAPE: (but(valid(), update=torch.zeros(2, 2)), OPEN),
    Reason.NOT_FINITE: (but(valid(), update=torch.full((SIZE,), float("inf"))), OPEN),
    Reason.BAD_SIZE: (but(valid(), examples=0), OPEN),
    Reason.BAD_STEPS: (but(valid(), steps=0), OPEN),
}


@pytest.mark.parametrize("reason", [reason for reason in Reason if not reason.name.startswith("REPORT")])
def test_every_reason_is_given_for_some_message(reason):
    case, states = EXAMPLES[reason]
    assert judge(case, ledger_of(states)) is reason


def test_a_message_in_good_order_is_admitted():
    ledger = ledger_of(OPEN)
    assert judge(valid(), ledger) is ledger.open[4]


def test_an_enormous_blob_is_refused_unread():
    blob = encode(but(valid(), update=torch.zeros(100_000)).payload)
    assert judge(Case(1, blob), ledger_of(OPEN)) is Reason.MALFORMED
