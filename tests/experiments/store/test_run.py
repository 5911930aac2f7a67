import math
import os
import sqlite3
from contextlib import closing
from hashlib import sha256

import pytest
import torch

from fedprop.defenses import Ruling
from fedprop.errors import StoreError, WriteFailed
from fedprop.experiments.store import DATABASE, RunStore, Totals
from fedprop.privacy import Inference, finding_of
from fedprop.simulation.engine import Snapshot
from fedprop.simulation.events import Event, EventKind, RoundRecord, Trace


class Killed(BaseException):
    """Stands for the death of the process: nothing in the package may catch it."""


def die(*_, **__):
    raise Killed


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "runs" / "first")
    store.create(settings={"seed": 3}, compromised=[1, 2])
    return store


def event(seq, **changes):
    return Event(**{"seq": seq, "time": 0.1 * seq, "kind": EventKind.ACCEPTED, "round": 0, "version": 0, **changes})


def record(number, **changes):
    counts = {"accepted": 3, "rejected": 1}
    return RoundRecord(**{"round": number, "version": number, "time": 1.5, "wall_seconds": 0.2, **counts, **changes})


def finding(client):
    return finding_of(
        client, "threshold", Inference((0.0, 1 / 3, 1.0), (0.0, 2 / 3, 1.0), (math.inf, 0.1, -5.0), 0.6, 1 / 3)
    )


def ruling(**changes):
    fields = {"reports": {3: 1.0}, "verdicts": {3: "malicious"}, "scores": {3: 0.5}, "suspicion": {3: 1.5, 4: 0.0}}
    return Ruling(**{"case": "divergent", "rollback": True, "banned": (3,), **fields, **changes})


def snapshot(value):
    return Snapshot({"value": value}, {"t0": torch.full((3,), float(value))})


def assert_checkpoint(store, value):
    saved = store.checkpoint()
    assert saved.snapshot.state == {"value": value}
    assert saved.snapshot.tensors["t0"].tolist() == [value] * 3


def test_a_new_run_holds_its_settings_and_nothing_else(store):
    assert store.exists
    assert store.meta("settings") == {"seed": 3}
    assert store.meta("compromised") == [1, 2]
    assert store.meta("summary") is None
    assert (store.events(), store.rounds(), store.checkpoint()) == ([], [], None)
    assert [path.name for path in store.folder.iterdir()] == [DATABASE]


def test_events_and_rounds_come_back_as_they_were(store):
    events = [
        event(0, kind=EventKind.ROUND_OPENED),
        event(1, time=0.1 + 0.2, client=2, task=7, value=1.0, detail="größer"),
        event(2, kind=EventKind.ATTACK_FAILED, client=2**40, detail="it's; -- 'quoted'"),
    ]
    trace = Trace()
    for one in events:
        trace.extend(one)
    rounds = [
        record(0, accuracy=0.5, loss=1.25, weights={0: 0.5, 7: 1 / 3}, epsilon={7: 0.25}),
        record(1, failure="`f` must be smaller", accuracy=None, findings=(finding(None), finding(3)), ruling=ruling()),
    ]
    store.append(events[:2], rounds[:1], None)
    summary = {"rounds": 2, "trace_sha256": trace.head}
    store.append(events[2:], rounds[1:], None, summary=summary)
    assert store.events() == events
    assert store.rounds() == rounds
    assert store.meta("summary") == summary


def test_times_come_back_to_the_bit(store):
    times = [0.0, 5e-324, 0.1 + 0.2, 1 / 3, 2.0**53 + 2, 1e308]
    events = [event(seq, time=time, value=time) for seq, time in enumerate(times)]
    store.append(events, [], None)
    assert list(map(repr, store.events())) == list(map(repr, events))


def test_numbers_that_sqlite_does_not_keep_come_back_to_the_bit(store):
    values = [-0.0, 0.0, None, math.nan, math.inf, -math.inf, 1.5]
    events = [event(seq, value=value) for seq, value in enumerate(values)]
    trace = Trace()
    for one in events:
        trace.extend(one)
    store.append(events, [], None, summary={"trace_sha256": trace.head})
    assert list(map(repr, store.events())) == list(map(repr, events))


def test_the_newest_checkpoint_is_read_and_older_ones_are_removed(store):
    for number in range(3):
        store.append([], [record(number)], snapshot(number))
        assert_checkpoint(store, number)
    assert [path.name for path in store.folder.glob("*.safetensors")] == ["checkpoint-00000002.safetensors"]


def test_a_flush_without_a_snapshot_keeps_the_checkpoint(store):
    store.append([], [record(0)], snapshot(0))
    store.append([event(0)], [record(1)], None)
    assert_checkpoint(store, 0)


class Dying:
    """A connection that dies when it is asked for a certain statement."""

    def __init__(self, real, at):
        self._real, self._at = real, at

    def __getattr__(self, name):
        return getattr(self._real, name)

    def __enter__(self):
        return self._real.__enter__()

    def __exit__(self, *exc):
        return self._real.__exit__(*exc)

    def executemany(self, sql, rows):
        if self._at in sql:
            raise Killed
        return self._real.executemany(sql, rows)


@pytest.mark.parametrize("moment", ["events", "rounds", "meta"])
def test_death_inside_the_transaction_leaves_the_old_state(store, monkeypatch, moment):
    store.append([event(0)], [record(0)], snapshot(0))
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: Dying(connect(path), f"INTO {moment}"))
    with pytest.raises(Killed):
        store.append([event(1)], [record(1)], snapshot(1))
    monkeypatch.undo()
    assert_checkpoint(store, 0)
    assert (store.events(), store.rounds()) == ([event(0)], [record(0)])


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_death_while_the_tensors_are_written_leaves_the_old_state(store, monkeypatch, function):
    store.append([event(0)], [record(0)], snapshot(0))
    monkeypatch.setattr(os, function, die)
    with pytest.raises(Killed):
        store.append([event(1)], [record(1)], snapshot(1))
    monkeypatch.undo()
    assert_checkpoint(store, 0)
    assert store.rounds() == [record(0)]


def test_death_before_old_tensors_are_removed_leaves_the_new_state(store, monkeypatch):
    store.append([], [record(0)], snapshot(0))
    monkeypatch.setattr("pathlib.Path.unlink", die)
    with pytest.raises(Killed):
        store.append([], [record(1)], snapshot(1))
    monkeypatch.undo()
    assert_checkpoint(store, 1)
    assert store.rounds() == [record(0), record(1)]


def test_a_run_can_go_on_after_a_death(store, monkeypatch):
    store.append([event(0)], [record(0)], snapshot(0))
    monkeypatch.setattr("fedprop.experiments.store.run._put", die)
    with pytest.raises(Killed):
        store.append([event(1)], [record(1)], snapshot(1))
    monkeypatch.undo()
    store.append([event(1)], [record(1)], snapshot(1))
    assert_checkpoint(store, 1)
    assert store.events() == [event(0), event(1)]


def test_a_run_that_died_at_birth_does_not_exist_and_can_be_born_again(tmp_path, monkeypatch):
    store = RunStore(tmp_path / "run")
    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(Killed):
        store.create(settings=1)
    monkeypatch.undo()
    assert not store.exists
    store.create(settings=2)
    assert store.meta("settings") == 2


@pytest.mark.parametrize("question", [RunStore.events, RunStore.rounds, RunStore.checkpoint])
def test_a_folder_without_a_run_is_named(tmp_path, question):
    with pytest.raises(StoreError, match=f"{tmp_path} holds no run: there is no {DATABASE}"):
        question(RunStore(tmp_path))


def test_an_event_is_written_once(store):
    store.append([event(0)], [], None)
    with pytest.raises(WriteFailed, match="cannot be written: UNIQUE constraint failed"):
        store.append([event(0)], [], None)


def test_a_damaged_database_is_named(store):
    (store.folder / DATABASE).write_bytes(b"This is no database at all. " * 50)
    with pytest.raises(StoreError, match=f"{DATABASE} cannot be read: file is not a database"):
        store.rounds()


@pytest.mark.parametrize("question", [RunStore.events, RunStore.rounds, RunStore.checkpoint])
def test_a_run_of_another_format_is_refused(store, question):
    store.put(format=1)
    with pytest.raises(StoreError, match="must have format 8, which this version of fedprop writes; found '1'"):
        question(store)


def test_damaged_and_missing_tensors_are_named(store):
    store.append([], [record(0)], snapshot(0))
    (path,) = store.folder.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(StoreError, match=f"{path.name} is damaged"):
        store.checkpoint()
    path.unlink()
    with pytest.raises(StoreError, match=f"{path.name} cannot be read"):
        store.checkpoint()


def test_a_flipped_bit_in_a_checkpoint_is_found(store):
    store.append([], [record(0)], snapshot(0))
    (path,) = store.folder.glob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged: its SHA-256 is not the one that was noted"):
        store.checkpoint()


def changed(store, statement):
    """The store after somebody has changed its database."""
    with closing(sqlite3.connect(store.folder / DATABASE)) as db, db:
        db.execute(statement)
    return store


DAMAGES = {
    "UPDATE meta SET value = replace(value, '0', '1') WHERE key = 'checkpoint'": RunStore.checkpoint,
    "UPDATE meta SET value = 3 WHERE key = 'checkpoint'": RunStore.checkpoint,
    "UPDATE rounds SET record = replace(record, '0.5', '0.6')": RunStore.rounds,
    "UPDATE rounds SET record = x'00'": RunStore.rounds,
    "UPDATE rounds SET sha256 = ''": RunStore.rounds,
    "UPDATE rounds SET round = 7": RunStore.rounds,
    "UPDATE events SET kind = 'explosion'": RunStore.events,
    "UPDATE events SET time = 'noon'": RunStore.events,
    "UPDATE events SET client = 9": RunStore.events,
    "DROP TABLE events": RunStore.events,
    "DROP TABLE meta": RunStore.rounds,
    "DELETE FROM meta WHERE key = 'format'": RunStore.rounds,
}


@pytest.mark.parametrize(("statement", "question"), DAMAGES.items())
def test_what_was_not_written_is_not_read(store, statement, question):
    trace = Trace()
    trace.extend(event(0, client=3))
    store.append([event(0, client=3)], [record(0, accuracy=0.5)], snapshot(0))
    store.put(summary={"trace_sha256": trace.head})
    question(store)
    with pytest.raises(StoreError, match=f"{DATABASE} (is damaged|cannot be read|must have format)"):
        question(changed(store, statement))


@pytest.mark.parametrize("text", ["[" * 100_000, "nothing", ""])
def test_what_is_no_json_is_not_read_even_with_the_right_digest(store, text):
    digest = sha256(f"settings\n{text}".encode()).hexdigest()
    changed(store, f"UPDATE meta SET value = '{text}', sha256 = '{digest}' WHERE key = 'settings'")
    with pytest.raises(StoreError, match="is damaged: what it says of settings is no JSON"):
        store.meta("settings")


def test_what_should_be_a_mapping_or_clients_is_looked_at(store):
    store.put(summary=[], compromised=[{}])
    with pytest.raises(StoreError, match="is damaged: what it says of summary is no mapping"):
        store.mapping("summary")
    with pytest.raises(StoreError, match="is damaged: what it says of compromised is no list of clients"):
        _ = store.compromised


def test_a_run_is_never_replaced(store):
    with pytest.raises(StoreError, match="already holds a run"):
        store.create(settings={"seed": 4})
    assert store.meta("settings") == {"seed": 3}


def test_rewinding_forgets_what_came_after_the_checkpoint(store):
    totals = Totals(accepted=2, rejected={"closed": 1})
    store.append([event(0)], [record(0)], snapshot(0), totals=totals)
    store.append([event(1)], [record(1)], summary={"rounds": 2})
    store.rewind(settings={"seed": 3, "rounds": 9})
    assert (store.events(), store.rounds(), store.meta("summary")) == ([event(0)], [record(0)], None)
    assert store.checkpoint().totals == totals
    assert store.meta("settings") == {"seed": 3, "rounds": 9}


def test_rewinding_without_a_checkpoint_forgets_everything(store):
    store.append([event(0)], [record(0)])
    store.rewind()
    assert (store.events(), store.rounds(), store.checkpoint()) == ([], [], None)


def test_a_full_disk_is_no_mistake_of_the_user(store):
    """A limit on the size of files stands for the disk."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
    try:
        with pytest.raises(WriteFailed, match=f"{DATABASE} cannot be written: "):
            store.put(long="x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.meta("settings") == {"seed": 3}
    assert store.meta("long") is None


def test_a_database_that_cannot_be_made_is_refused(tmp_path, monkeypatch):
    def fail(_):
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", fail)
    with pytest.raises(StoreError, match="unable to open database file"):
        RunStore(tmp_path / "run").create()
