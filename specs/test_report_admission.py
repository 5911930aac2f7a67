"""What the server takes for a report: one of each kind, client and task, and only from the client itself.

Statement. For every report of a kind that was declared, sender and ledger, with a key for each client that nobody else
has:

1. it is heard if and only if the client it names sent it and made its tag, for these very fields, and it is the first
   one of its kind about an open task of that client, with the task's version; otherwise it is refused for a reason that
   is true;
2. a report that was altered, in any field, is refused;
3. a copy is refused, of the report heard last as well as of any older one;
4. an update is refused as long as its task lacks a report of any kind that was declared;
5. a kind that was not declared is not read.

Source: Guo et al. 2024 (SIREN+), Section 4.2: alarms go through a secure tunnel; here, HMAC (RFC 2104, 1997).

Reason: the tag covers all fields; tasks have numbers, and each is open once.
"""

from functools import partial
from typing import Literal

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from fedprop.authentication import client_key, is_authentic, signed
from fedprop.defenses.siren_plus import AlarmStatus
from fedprop.messages import Reason, Report, Update, encode
from fedprop.simulation.admission import Door
from fedprop.simulation.ledger import Ledger, Task, TaskState

CLIENTS, SIZE, SEED = 3, 2, 7


class Weather(Report):
    """A report of every type that JSON knows."""

    kind: Literal["weather"] = "weather"
    words: str = ""
    degrees: float = 0.0
    days: int | None = None
    rain: bool = False


KINDS = (AlarmStatus, Weather)
DOOR = Door(clients=CLIENTS, size=SIZE, dtype=torch.float32, reports=KINDS, key=partial(client_key, SEED))


def ledger_of(states: list[TaskState]) -> Ledger:
    """One task in each of the states given: task i for client i % CLIENTS, from version i."""
    ledger = Ledger()
    for i, state in enumerate(states):
        ledger.issue(i % CLIENTS, 0, i, torch.zeros(SIZE), 0.0)
        if state is not TaskState.OPEN:
            ledger.end(i, state)
    return ledger


def report_of(about: int, kind: type[Report] = AlarmStatus, *, signer: int | None = None, **changes: object) -> Report:
    """The report in good order about a task, with some fields changed, and then signed by a client."""
    content = {"alarm": True} if kind is AlarmStatus else {}
    fields = {"client": about % CLIENTS, "task": about, "version": about, **content, **changes}
    key = client_key(SEED, about % CLIENTS if signer is None else signer)
    return signed(kind.model_validate({name: v for name, v in fields.items() if name in kind.model_fields}), key)


def true_reasons(sender: int, alarm: Report, ledger: Ledger, heard: dict[int, set[str]]) -> set[Reason]:
    """Every reason that applies, each judged by itself."""
    state = ledger.state(alarm.task)
    applies = {
        Reason.UNKNOWN_CLIENT: alarm.client not in range(CLIENTS),
        Reason.WRONG_SENDER: alarm.client != sender or (state is not None and alarm.task % CLIENTS != alarm.client),
        Reason.REPORT_FORGED: not is_authentic(alarm, client_key(SEED, sender)),
        Reason.UNKNOWN_TASK: state is None,
        Reason.REPORT_REPLAYED: alarm.kind in heard.get(alarm.task, ()) or state is TaskState.ACCEPTED,
        Reason.DUPLICATE: state is TaskState.REFUSED,
        Reason.TIMED_OUT: state is TaskState.TIMED_OUT,
        Reason.CLOSED: state is TaskState.CLOSED,
        Reason.WRONG_VERSION: alarm.version != alarm.task,
    }
    return {reason for reason, holds in applies.items() if holds}


ledgers = st.lists(st.sampled_from([TaskState.OPEN, *TaskState]), min_size=1, max_size=6).map(ledger_of)
clients = st.integers(-1, CLIENTS)
fields = st.fixed_dictionaries(
    {},
    optional={
        "client": clients,
        "version": st.integers(-1, 6),
        "task": st.integers(-1, 7),
        "alarm": st.booleans(),
        "words": st.text(max_size=3),
        "degrees": st.floats(allow_nan=False),
        "days": st.none() | st.integers(),
        "rain": st.booleans(),
    },
)
kinds = st.sampled_from(KINDS)
heards = st.dictionaries(st.integers(0, 5), st.sets(st.sampled_from(["alarm_status", "weather"])))


@given(ledgers, st.integers(0, 5), kinds, st.none() | clients, st.none() | clients, fields, heards)
def test_a_report_is_heard_or_refused_for_a_true_reason(ledger, task, kind, sender, signer, changes, heard):
    report = report_of(task, kind, signer=signer, **changes)
    sender = report.client if sender is None else sender
    heard = {task: told for task, told in heard.items() if task in ledger.open}
    verdict, reasons = DOOR.hear(sender, report, ledger, heard), true_reasons(sender, report, ledger, heard)
    if isinstance(verdict, Task):
        assert not reasons
        assert verdict is ledger.open[report.task]
    else:
        assert verdict in reasons


@given(st.integers(0, 5), kinds, fields)
def test_an_altered_report_is_refused(task, kind, changes):
    report = report_of(task, kind)
    altered = report.model_copy(update={name: v for name, v in changes.items() if name in kind.model_fields})
    assume(repr(altered) != repr(report))
    ledger = ledger_of([TaskState.OPEN] * 6)
    assert isinstance(DOOR.hear(altered.client, altered, ledger, {}), Reason)


@given(st.integers(0, 5))
def test_no_copy_is_heard(task):
    ledger = ledger_of([TaskState.OPEN] * 6)
    report, client = report_of(task), task % CLIENTS
    assert DOOR.hear(client, report, ledger, {task: {"weather"}}) is ledger.open[task]
    assert DOOR.hear(client, report, ledger, {task: {"alarm_status"}}) is Reason.REPORT_REPLAYED
    ledger.end(task, TaskState.ACCEPTED)
    assert DOOR.hear(client, report, ledger, {}) is Reason.REPORT_REPLAYED


def test_an_update_needs_its_reports():
    ledger = ledger_of([TaskState.OPEN])
    update = Update(client=0, task=0, version=0, update=torch.zeros(SIZE), examples=1)
    for heard in ({}, {1: {"alarm_status", "weather"}}, {0: {"alarm_status"}}, {0: {"weather"}}):
        assert DOOR.inspect(update, ledger.open[0], 0, heard) is Reason.REPORT_MISSING
    assert DOOR.inspect(update, ledger.open[0], 0, {0: {"alarm_status", "weather"}}) is None


@pytest.mark.parametrize("encoded", [False, True])
def test_reports_are_read_where_they_are_expected_only(encoded):
    doors = [Door(clients=CLIENTS, size=SIZE, dtype=torch.float32, reports=kinds) for kinds in ((), (Weather,))]
    payload = encode(report_of(0)) if encoded else report_of(0)
    assert DOOR.read(payload) == report_of(0)
    assert [door.read(payload) for door in doors] == [Reason.MALFORMED] * 2


def test_the_kind_is_signed_with_the_fields():
    class Other(Weather):
        kind: Literal["other"] = "other"

    report = report_of(0, Weather)
    fake = Other.model_validate({**dict(report), "kind": "other"})
    assert not is_authentic(fake, client_key(SEED, 0))


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**6), st.integers(0, 10**6))
def test_keys_are_secrets_of_their_clients(seed, client, other):
    assume(client != other)
    alarm = signed(AlarmStatus(client=client, task=0, version=0, alarm=False), client_key(seed, client))
    assert is_authentic(alarm, client_key(seed, client))
    assert not is_authentic(alarm, client_key(seed, other))
    assert not is_authentic(alarm.model_copy(update={"tag": ""}), client_key(seed, client))
