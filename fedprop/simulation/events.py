"""What happens in a run, as a sequence of small facts; everything shown or hashed is derived from these."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from struct import pack
from typing import NamedTuple

from fedprop.defenses import Ruling
from fedprop.metrics import Readings
from fedprop.privacy import Finding
from fedprop.types import ClientId, Round, Seconds, Version


class EventKind(StrEnum):
    """All that can happen."""

    ROUND_OPENED = "round_opened"
    INVITED = "invited"
    RECEIVED = "received"
    BEGAN = "began"
    TRAINED = "trained"
    ARRIVED = "arrived"
    HEARD = "heard"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    DROPPED = "dropped"
    CRASHED = "crashed"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    LOST = "lost"
    DUPLICATED = "duplicated"
    RULED = "ruled"
    JUDGED = "judged"
    AGGREGATED = "aggregated"
    ROUND_FAILED = "round_failed"
    EVALUATED = "evaluated"
    ATTACK_FAILED = "attack_failed"


class Event(NamedTuple):
    """One fact of a run.

    `invited`: the server sent a task to a client; `received`: the client got it and trains from now on; `trained`: it
    finished and its update is on the way; `arrived`: a message reached the server, which then `accepted` or `rejected`
    it (`detail` holds the typed reason). `timed_out`: the server stopped waiting for a task. `dropped`, `crashed`: a
    client lost its task midway; `silent`: a compromised one keeps its update to itself; `unreachable`: it was down when
    the message came; `lost`, `duplicated`: the network's doing. Events of a task carry the version it started from, all
    others the server's current one; the `value` of `accepted` is the staleness, how many versions lie between the two.
    `aggregated`: a new global version exists (`detail` holds the digest of its parameters, `value` the number of
    updates used); `round_failed`: the round closed without one, for the reason in `detail`. `evaluated`: `value` is the
    test accuracy. `attack_failed`: an attack could not answer, for the reason in `detail`, so its clients answered
    honestly.

    Where the defense is a protocol: `began`: a client has chosen where it starts (`detail` says why, `value` is the
    number in its first report, of which a compromised client may make something else); `heard`: the server took a
    report (`value` is the number in it); `ruled`: the server decided on a round (`detail` holds the case, `value` is 1
    for a rollback); `judged`: what it found out about one client (`detail` holds the verdict, whether the update is
    used, and whether the client is banned from now on; `value` is the score of its update, if there is one).
    """

    seq: int
    time: Seconds
    kind: EventKind
    round: Round
    version: Version
    client: ClientId | None = None
    task: int | None = None
    value: float | None = None
    detail: str = ""


def columns(events: Sequence[Event]) -> bytes:
    """What the trace hash covers: how many events there are, and then their fields, each of all events together.

    Numbers take eight bytes, little end first. No two sequences of events have the same form.
    """
    seq, time, kind, round_, version, client, task, value, detail = zip(*events, strict=True)
    whole = [_all("q", numbers) for numbers in (seq, round_, version)]
    told = [_some("q", numbers) for numbers in (client, task)]
    return b"".join(
        [pack("<q", len(events)), *whole, *told, _all("d", time), _some("d", value), _texts(kind), _texts(detail)]
    )


def _all(form: str, values: Sequence[float]) -> bytes:
    """A column of numbers."""
    return pack(f"<x{len(values)}{form}", *values)


def _some(form: str, values: Sequence[float | None]) -> bytes:
    """A column that may lack some: where it does, a byte for each event tells which, and only the others follow."""
    there = [value for value in values if value is not None]
    if len(there) == len(values):
        return _all(form, there)
    return b"\1" + bytes([value is None for value in values]) + pack(f"<{len(there)}{form}", *there)


def _texts(values: tuple[str, ...]) -> bytes:
    """A column of texts: how long each is, and all of them one after the other."""
    return pack(f"<{len(values)}q", *map(len, values)) + "".join(values).encode(errors="surrogatepass")


@dataclass(frozen=True)
class RoundRecord:
    """One round, summed up.

    Attributes
    ----------
    time : the simulated time at which it closed.
    wall_seconds : real time since the run began (not part of the trace).
    accuracy, loss : on the test set; None in rounds without evaluation.
    accepted, rejected : messages of this round.
    weights : the rule's weight on each client whose update was used.
    epsilon : what each client that gave something of its data away in this round has spent since the run began; empty
        without differential privacy.
    failure : why the round made no new version, or an empty string.
    findings : what a probe found in this round.
    numbers : what else was measured of the global model, by name (see `fedprop.metrics`); empty in rounds without
        evaluation.
    ruling : what a protocol decided, and why; None for a defense that is no more than a rule, and where no updates were
        there to decide on.
    last : whether no other round follows.
    attacked : how many of the updates that the round is made of stand for an attack, in a task for which it was on, by
        the place of the attack. A client may send several of them where nobody waits for anybody.
    """

    round: Round
    version: Version
    time: Seconds
    wall_seconds: float
    accepted: int
    rejected: int
    accuracy: float | None = None
    loss: float | None = None
    weights: dict[ClientId, float] = field(default_factory=dict)
    epsilon: dict[ClientId, float] = field(default_factory=dict)
    failure: str = ""
    findings: tuple[Finding, ...] = ()
    numbers: Readings = field(default_factory=dict)
    ruling: Ruling | None = None
    last: bool = False
    attacked: dict[int, int] = field(default_factory=dict)

    @property
    def heard(self) -> frozenset[ClientId]:
        """Whose updates the defense saw."""
        return frozenset(self.weights) | frozenset(self.ruling.verdicts if self.ruling else ())


BLOCK = 1_000
"""Maximum events hashed together; one call for many costs less than many calls, and more would fill memory."""


class Trace:
    """The events so far and their running hash, which can be saved and taken up again.

    The hash is a chain over blocks, h' = sha256(h + the block's columns); a block ends with its round, and after
    `BLOCK` events. So a run that is resumed between two rounds needs only the last link.
    """

    def __init__(self, head: str = "0" * 64, count: int = 0) -> None:
        self._link = bytes.fromhex(head)
        self._block: list[Event] = []
        self._round: Round = 0
        self.count = count

    @property
    def head(self) -> str:
        """The last link, as if the block ended here, in hexadecimal digits."""
        return self._next_link().hex()

    def extend(self, event: Event) -> None:
        """Add one event, which must be the next in order."""
        if event.round != self._round or len(self._block) == BLOCK:
            self._link, self._block, self._round = self._next_link(), [], event.round
        self._block.append(event)
        self.count += 1

    def _next_link(self) -> bytes:
        return sha256(self._link + columns(self._block)).digest() if self._block else self._link
