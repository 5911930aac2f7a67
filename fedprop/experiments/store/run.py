"""The folder of one run."""

import hashlib
import json
import math
import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field, NonNegativeInt, TypeAdapter

from fedprop.errors import StoreError, WriteFailed
from fedprop.experiments.store.tensors import read_tensors, write_tensors
from fedprop.files import cannot_write
from fedprop.settings import shown
from fedprop.simulation.engine import Snapshot
from fedprop.simulation.events import Event, RoundRecord, Trace
from fedprop.simulation.records import from_text, to_text
from fedprop.types import ClientId, Frozen

DATABASE = "run.sqlite"
FORMAT = 8
"""The version of the form in which a run is stored; a run in another form cannot be read."""

Json: TypeAlias = Any
"""Data as JSON has it."""

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE rounds (round INTEGER PRIMARY KEY, record TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, round INTEGER NOT NULL, version INTEGER NOT NULL,
    client INTEGER, task INTEGER, value REAL, detail TEXT NOT NULL
);
"""


class Totals(Frozen):
    """What has been counted since a run began: updates accepted, and messages refused by reason."""

    accepted: NonNegativeInt = 0
    rejected: dict[str, NonNegativeInt] = Field(default_factory=dict)


class _Saved(Frozen):
    """A checkpoint as the database has it: the file of its tensors, and how much had happened by then."""

    file: Annotated[str, Field(pattern=r"^checkpoint-[0-9]{8,}\.safetensors$")]
    sha256: str
    state: Json
    rounds: NonNegativeInt
    events: NonNegativeInt
    totals: Totals


@dataclass(frozen=True)
class Checkpoint:
    """Where a run can go on: the state, how many rounds had closed by then, and what had been counted."""

    snapshot: Snapshot
    rounds: int
    totals: Totals


_EVENTS = TypeAdapter(list[Event])
_CLIENTS = TypeAdapter(frozenset[ClientId])


class RunStore:
    """The folder of one run.

    Every method raises `StoreError` if the folder holds no run, a damaged one, or one of another version of fedprop.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._database = self.folder / DATABASE

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return os.path.isfile(self._database)  # unlike Path.is_file, no error where nobody may look

    def create(self, **meta: Json) -> None:
        """Begin a run; `meta` says what runs.

        Raises
        ------
        StoreError
            If the folder holds a run already, or cannot be written to.
        """
        if self.exists:
            raise StoreError(f"{self.folder} already holds a run; choose another folder")
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
            raise cannot_write(self._database, error) from None

    def meta(self, key: str) -> Json:
        """A stored value; None if there is none."""
        with self._reading() as db:
            row = db.execute("SELECT value, sha256 FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            return json.loads(self._checked(key, *row))
        except (ValueError, RecursionError):
            raise self._damaged(f"what it says of {key} is no JSON") from None

    def mapping(self, key: str) -> dict[str, Json] | None:
        """A stored mapping; None if there is none."""
        found = self.meta(key)
        if found is not None and not isinstance(found, dict):
            raise self._damaged(f"what it says of {key} is no mapping")
        return found

    @property
    def compromised(self) -> frozenset[ClientId]:
        """The clients that the adversary holds."""
        try:
            return _CLIENTS.validate_python(self.meta("compromised") or ())
        except ValueError:
            raise self._damaged("what it says of compromised is no list of clients") from None

    def put(self, **meta: Json) -> None:
        """Store values by name, in place of older ones; None takes one away."""
        with self._writing() as db:
            _put(db, meta)

    def append(
        self,
        events: Sequence[Event],
        rounds: Sequence[RoundRecord],
        snapshot: Snapshot | None = None,
        *,
        totals: Totals | None = None,
        **meta: Json,
    ) -> None:
        """Add what happened since the last call, and the state to go on from, all or nothing.

        Raises
        ------
        WriteFailed
            If it cannot be written.
        """
        file, digest = "", ""
        if snapshot is not None:
            file = f"checkpoint-{rounds[-1].round:08d}.safetensors"
            digest = self._write(file, snapshot)
        with self._writing() as db:
            db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, events))
            lines = ((record.round, to_text(record)) for record in rounds)
            db.executemany("INSERT INTO rounds VALUES (?, ?, ?)", ((n, t, _digest(n, t)) for n, t in lines))
            if snapshot is not None:
                saved = _Saved(
                    file=file,
                    sha256=digest,
                    state=snapshot.state,
                    rounds=rounds[-1].round + 1,
                    events=db.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()[0],
                    totals=totals or Totals(),
                )
                meta["checkpoint"] = saved.model_dump()
            _put(db, meta)
        if snapshot is not None:
            self._remove_checkpoints(but=file)

    def _write(self, file: str, snapshot: Snapshot) -> str:
        try:
            return write_tensors(self.folder / file, snapshot.tensors)
        except StoreError as error:
            raise WriteFailed(str(error)) from None

    def _remove_checkpoints(self, *, but: str) -> None:
        for old in self.folder.glob("checkpoint-*.safetensors"):
            if old.name != but:
                old.unlink(missing_ok=True)

    def checkpoint(self) -> Checkpoint | None:
        """The newest state to go on from; None if no round was saved yet."""
        saved = self._saved()
        if saved is None:
            return None
        tensors = read_tensors(self.folder / saved.file, sha256=saved.sha256)
        return Checkpoint(Snapshot(saved.state, tensors), saved.rounds, saved.totals)

    def rewind(self, **meta: Json) -> None:
        """Forget what came after the newest checkpoint, and store values as `put` does, all or nothing."""
        saved = self._saved()
        with self._writing() as db:
            db.execute("DELETE FROM events WHERE seq >= ?", (0 if saved is None else saved.events,))
            db.execute("DELETE FROM rounds WHERE round >= ?", (0 if saved is None else saved.rounds,))
            _put(db, {"summary": None, "failure": None, **meta})

    def restart(self, **meta: Json) -> None:
        """Begin anew, as `create` does, in place of a run that nobody wants; all or nothing."""
        with self._writing() as db:
            for statement in ("DELETE FROM meta", "DELETE FROM rounds", "DELETE FROM events"):
                db.execute(statement)
            _put(db, {"format": FORMAT, **meta})
        self._remove_checkpoints(but="")

    def _saved(self) -> _Saved | None:
        found = self.meta("checkpoint")
        if found is None:
            return None
        try:
            return _Saved.model_validate(found)
        except ValueError:
            raise self._damaged("its checkpoint is none") from None

    def rounds(self) -> list[RoundRecord]:
        """All rounds so far."""
        return list(self.each_round())

    def each_round(self) -> Iterator[RoundRecord]:
        """All rounds so far, one after the other."""
        with self._reading() as db:
            rows = db.execute("SELECT round, record, sha256 FROM rounds ORDER BY round")
            for expected, (number, text, sha256) in enumerate(rows):
                if number != expected:
                    raise self._damaged("a round is missing")
                yield self._record(number, text, sha256)

    def _record(self, number: int, text: Any, sha256: Any) -> RoundRecord:
        try:
            return from_text(self._checked(number, text, sha256))
        except ValueError:
            raise self._damaged(f"what it says of round {number} is no record") from None

    def events(self) -> list[Event]:
        """All events so far."""
        with self._reading() as db:
            rows = db.execute("SELECT * FROM events ORDER BY seq").fetchall()
        try:
            events = _EVENTS.validate_python([(*fields, _read(value), detail) for *fields, value, detail in rows])
        except ValueError:
            raise self._damaged("what it has for events are none") from None
        summary = self.mapping("summary")
        if events and summary is not None and _hash(events) != summary.get("trace_sha256"):
            raise self._damaged("its events are not those of its trace")
        return events

    def _checked(self, key: str | int, text: Any, sha256: Any) -> str:
        """A stored text, if it is the one that was written."""
        if not isinstance(text, str) or _digest(key, text) != sha256:
            raise self._damaged(f"what it says of {f'round {key}' if isinstance(key, int) else key} has changed")
        return text

    def _damaged(self, why: str) -> StoreError:
        return StoreError(f"{self._database} is damaged: {why}")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self.exists:
            raise StoreError(f"{self.folder} holds no run: there is no {DATABASE}")
        try:
            with closing(sqlite3.connect(self._database)) as db:
                self._check_format(db)
                yield db
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite's words about damaged bytes may be damaged, too
            raise StoreError(f"{self._database} cannot be read: {error}") from None

    def _check_format(self, db: sqlite3.Connection) -> None:
        found = db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        if found is None or found[0] != str(FORMAT):
            told = "none" if found is None else shown(found[0])
            raise StoreError(
                f"{self._database} must have format {FORMAT}, which this version of fedprop writes; found {told}"
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if not self.exists:
            raise WriteFailed(f"{self._database} cannot be written: it is gone")
        try:
            with closing(sqlite3.connect(self._database)) as db, db:
                yield db
        except (OSError, sqlite3.Error) as error:
            raise WriteFailed(f"{self._database} cannot be written: {error}") from None


def _put(db: sqlite3.Connection, values: Mapping[str, Json]) -> None:
    db.executemany("DELETE FROM meta WHERE key = ?", ((key,) for key in values))
    texts = ((key, json.dumps(value)) for key, value in values.items() if value is not None)
    db.executemany("INSERT INTO meta VALUES (?, ?, ?)", ((key, text, _digest(key, text)) for key, text in texts))


def _digest(key: str | int, text: str) -> str:
    return hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()


def _row(event: Event) -> tuple[Any, ...]:
    fields = (event.seq, event.time, event.kind.value, event.round, event.version, event.client, event.task)
    return (*fields, _number(event.value), event.detail)


def _number(value: float | None) -> float | bytes | None:
    """A number as SQLite gives it back to the bit: NaN would come back as nothing, and -0.0 as 0.0."""
    if value is None or not (math.isnan(value) or (value == 0 and math.copysign(1, value) < 0)):
        return value
    return struct.pack("<d", value)


def _read(value: Any) -> Any:
    """The inverse of `_number`; what is no number is left to be refused."""
    return struct.unpack("<d", value)[0] if isinstance(value, bytes) and len(value) == 8 else value


def _hash(events: Sequence[Event]) -> str:
    trace = Trace()
    for event in events:
        trace.extend(event)
    return trace.head
