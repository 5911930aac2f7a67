"""What the server takes for an alarm: one of each client and task, and only from the client itself.

Statement. For every alarm status, sender and ledger, with a key for each client that nobody else has:

1. it is heard if and only if the client it names sent it and made its tag, for these very fields, and it is the first
   one about an open task of that client, with the task's version; otherwise it is refused for a reason that is true;
2. an alarm status that was altered, in any field, is refused;
3. a copy is refused, of the alarm heard last as well as of any older one;
4. an update is refused as long as its task has no alarm status.

Source: Guo et al. 2024 (SIREN+), Section 4.2: alarms go through a secure tunnel; here, HMAC (RFC 2104, 1997).

Reason: the tag covers all fields; tasks have numbers, and each is open once.
"""

from functools import partial

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from fedprop.authentication import client_key, is_authentic, signed
from fedprop.messages import AlarmStatus, Reason, Update, encode
from fedprop.simulation.admission import Door
from fedprop.simulation.ledger import Ledger, Task, TaskState

CLIENTS, SIZE, SEED = 3, 2, 7
DOOR = Door(clients=CLIENTS, size=SIZE, dtype=torch.float32, key=partial(client_key, SEED))


def ledger_of(states: list[TaskState]) -> Ledger:
    """One task in each of the states given: task i for client i % CLIENTS, from version i."""
    ledger = Ledger()
    for i, state in enumerate(states):
        ledger.issue(i % CLIENTS, 0, i, torch.zeros(SIZE), 0.0)
        if state is not TaskState.OPEN:
            ledger.end(i, state)
    return ledger


def alarm_of(about: int, *, signer: int | None = None, **changes: object) -> AlarmStatus:
    """The alarm status in good order about a task, with some fields changed, and then signed by a client."""
    fields = {"client": about % CLIENTS, "task": about, "version": about, "alarm": True, **changes}
    key = client_key(SEED, about % CLIENTS if signer is None else signer)
    return signed(AlarmStatus.model_validate(fields), key)


def true_reasons(sender: int, alarm: AlarmStatus, ledger: Ledger, heard: set[int]) -> set[Reason]:
    """Every reason that applies, each judged by itself."""
    state = ledger.state(alarm.task)
    applies = {
        Reason.UNKNOWN_CLIENT: alarm.client not in range(CLIENTS),
        Reason.WRONG_SENDER: alarm.client != sender or (state is not None and alarm.task % CLIENTS != alarm.client),
        Reason.ALARM_FORGED: not is_authentic(alarm, client_key(SEED, sender)),
        Reason.UNKNOWN_TASK: state is None,
        Reason.ALARM_REPLAYED: alarm.task in heard or state is TaskState.ACCEPTED,
        Reason.DUPLICATE: state is TaskState.REFUSED,
        Reason.TIMED_OUT: state is TaskState.TIMED_OUT,
        Reason.CLOSED: state is TaskState.CLOSED,
        Reason.WRONG_VERSION: alarm.version != alarm.task,
    }
    return {reason for reason, holds in applies.items() if holds}


ledgers = st.lists(st.sampled_from([TaskState.OPEN, *TaskState]), min_size=1, max_size=6).map(ledger_of)
clients = st.integers(-1, CLIENTS)
fields = st.fixed_dictionaries(
    {}, optional={"client": clients, "version": st.integers(-1, 6), "alarm": st.booleans(), "task": st.integers(-1, 7)}
)


@given(ledgers, st.integers(0, 5), st.none() | clients, st.none() | clients, fields, st.sets(st.integers(0, 5)))
def test_an_alarm_is_heard_or_refused_for_a_true_reason(ledger, task, sender, signer, changes, heard):
    alarm = alarm_of(task, signer=signer, **changes)
    sender = alarm.client if sender is None else sender
    heard &= set(ledger.open)
    verdict, reasons = DOOR.hear(sender, alarm, ledger, heard), true_reasons(sender, alarm, ledger, heard)
    if isinstance(verdict, Task):
        assert not reasons
        assert verdict is ledger.open[alarm.task]
    else:
        assert verdict in reasons


@given(st.integers(0, 5), fields)
def test_an_altered_alarm_is_refused(task, changes):
    alarm = alarm_of(task)
    altered = alarm.model_copy(update=changes)
    assume(altered != alarm)
    ledger = ledger_of([TaskState.OPEN] * 6)
    assert isinstance(DOOR.hear(altered.client, altered, ledger, ()), Reason)


@given(st.integers(0, 5))
def test_no_copy_is_heard(task):
    ledger = ledger_of([TaskState.OPEN] * 6)
    alarm, client = alarm_of(task), task % CLIENTS
    assert DOOR.hear(client, alarm, ledger, ()) is ledger.open[task]
    assert DOOR.hear(client, alarm, ledger, {task}) is Reason.ALARM_REPLAYED
    ledger.end(task, TaskState.ACCEPTED)
    assert DOOR.hear(client, alarm, ledger, ()) is Reason.ALARM_REPLAYED


def test_an_update_needs_its_alarm():
    ledger = ledger_of([TaskState.OPEN])
    update = Update(client=0, task=0, version=0, update=torch.zeros(SIZE), examples=1)
    assert DOOR.inspect(update, ledger.open[0], 0, {1}) is Reason.ALARM_MISSING
    assert DOOR.inspect(update, ledger.open[0], 0, {0}) is None


@pytest.mark.parametrize("payload", [alarm_of(0), encode(alarm_of(0))], ids=["message", "bytes"])
def test_alarms_are_read_where_they_are_expected_only(payload):
    assert DOOR.read(payload) == alarm_of(0)
    assert Door(clients=CLIENTS, size=SIZE, dtype=torch.float32).read(payload) is Reason.MALFORMED


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**6), st.integers(0, 10**6))
def test_keys_are_secrets_of_their_clients(seed, client, other):
    assume(client != other)
    alarm = signed(AlarmStatus(client=client, task=0, version=0, alarm=False), client_key(seed, client))
    assert is_authentic(alarm, client_key(seed, client))
    assert not is_authentic(alarm, client_key(seed, other))
    assert not is_authentic(alarm.model_copy(update={"tag": ""}), client_key(seed, client))
