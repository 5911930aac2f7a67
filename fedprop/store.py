"""A run on disk: SQLite for records, safetensors for weights; every change atomic, so that a run can be taken up again.

A run's folder holds `run.sqlite` (settings, events, rounds, summary), the newest checkpoint's tensors, and at the end
`model.safetensors`, the last global model. A checkpoint's tensors are on disk before the transaction that refers to
them, and the older ones go only after it: whenever the process dies, what the database names is there.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
from pydantic import TypeAdapter
from torch import Tensor

from fedprop.defenses import Ruling
from fedprop.errors import StoreError
from fedprop.privacy import Finding
from fedprop.simulation.engine import Snapshot
from fedprop.simulation.events import Event, EventKind, RoundRecord

DATABASE = "run.sqlite"
FORMAT = 3
"""Of what a run leaves in its folder; a checkpoint of another format cannot be taken up."""

_FINDINGS = TypeAdapter(tuple[Finding, ...])
_RULING = TypeAdapter(Ruling | None)

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE rounds (round INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, round INTEGER NOT NULL, version INTEGER NOT NULL,
    client INTEGER, task INTEGER, value REAL, detail TEXT NOT NULL
);
"""


class RunStore:
    """The folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = folder / DATABASE

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self._database.is_file()

    def create(self, **meta: Any) -> None:
        """Begin a run; `meta` is JSON-ready data that says what runs.

        Raises
        ------
        StoreError
            If the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished = self.folder / f".{DATABASE}.new"
            unfinished.unlink(missing_ok=True)
            with closing(sqlite3.connect(unfinished)) as db:
                db.executescript(_SCHEMA)
                with db:
                    _put(db, {"format": FORMAT, **meta})
            os.replace(unfinished, self._database)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot write a run to {self.folder}: {error}") from None

    def meta(self, key: str) -> Any:
        """A stored value; None if there is none."""
        with self._open() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def append(
        self, events: Sequence[Event], rounds: Sequence[RoundRecord], snapshot: Snapshot | None, **meta: Any
    ) -> None:
        """Add what happened since the last call, and the state to go on from, all or nothing."""
        if snapshot is not None:
            name = f"checkpoint-{rounds[-1].round:08d}.safetensors"
            write_tensors(self.folder / name, snapshot.tensors)
            meta = {**meta, "checkpoint": {"file": name, "state": snapshot.state}}
        with self._open() as db, db:
            db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, events))
            db.executemany("INSERT INTO rounds VALUES (?, ?)", ((r.round, json.dumps(asdict(r))) for r in rounds))
            _put(db, meta)
        if snapshot is not None:
            for old in self.folder.glob("checkpoint-*.safetensors"):
                if old.name != name:
                    old.unlink()

    def checkpoint(self) -> Snapshot | None:
        """The state to go on from; None if no round was saved yet.

        Raises
        ------
        StoreError
            If the tensors it refers to cannot be read, or another version of fedprop wrote it.
        """
        saved = self.meta("checkpoint")
        if saved is None:
            return None
        if (found := self.meta("format")) != FORMAT:
            raise StoreError(f"a run to go on with must have format {FORMAT}; found {found} in {self.folder}")
        return Snapshot(saved["state"], read_tensors(self.folder / saved["file"]))

    def rounds(self) -> list[RoundRecord]:
        """All rounds so far."""
        with self._open() as db:
            rows = db.execute("SELECT record FROM rounds ORDER BY round").fetchall()
        return [_record(json.loads(text)) for (text,) in rows]

    def events(self) -> list[Event]:
        """All events so far."""
        with self._open() as db:
            rows = db.execute("SELECT * FROM events ORDER BY seq").fetchall()
        return [Event(seq, time, EventKind(kind), *rest) for seq, time, kind, *rest in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self.exists:
            raise StoreError(f"{self.folder} holds no run: there is no {DATABASE}")
        try:
            with closing(sqlite3.connect(self._database)) as db:
                yield db
        except sqlite3.Error as error:
            raise StoreError(f"{self._database} cannot be used: {error}") from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, whole or not at all.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        safetensors.torch.save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, fresh)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except (OSError, safetensors.SafetensorError) as error:
        raise StoreError(f"{path} cannot be written: {error}") from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors in a safetensors file.

    Raises
    ------
    StoreError
        If it is missing or damaged.
    """
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None


def _put(db: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", ((k, json.dumps(v)) for k, v in values.items()))


def _row(event: Event) -> tuple[Any, ...]:
    fields = (event.seq, event.time, event.kind.value, event.round, event.version, event.client, event.task)
    return (*fields, event.value, event.detail)


def _record(saved: dict[str, Any]) -> RoundRecord:
    for name in ("weights", "epsilon"):
        saved[name] = {int(client): value for client, value in saved.get(name, {}).items()}
    findings = _FINDINGS.validate_python(saved.pop("findings", ()))
    ruling = _RULING.validate_python(saved.pop("ruling", None))
    return RoundRecord(**saved, findings=findings, ruling=ruling)
