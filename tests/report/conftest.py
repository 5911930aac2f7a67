"""A small make-believe simulation, so that reports can be tested without running one."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from fedprop.report import RunView, TableView
from fedprop.simulation.events import Event, EventKind, RoundRecord

COMPROMISED = frozenset({6, 7})
K = EventKind


@dataclass
class Script:
    """Writes down events, which `events` returns in order of time."""

    rng: random.Random
    version: int = 0
    tasks: int = 0
    noted: list[tuple] = field(default_factory=list)

    def note(self, time: float, kind: EventKind, round_: int, **fields) -> None:
        self.noted.append((time, len(self.noted), kind, round_, self.version, fields))

    def events(self) -> tuple[Event, ...]:
        ordered = sorted(self.noted, key=lambda entry: entry[:2])
        return tuple(Event(seq, t, kind, r, v, **fields) for seq, (t, _, kind, r, v, fields) in enumerate(ordered))


def task(script: Script, client: int, opened: float, closes: float, round_: int) -> float:
    """One task of one client; returns when its update was accepted, or infinity."""
    rng, who = script.rng, {"client": client, "task": script.tasks}
    script.tasks += 1
    slow = 4.0 if client == 5 else 1.0
    received = opened + 2 + rng.random()
    trained = received + slow * (20 + 10 * rng.random())
    arrived = trained + 5 * rng.random() + 2
    script.note(opened, K.INVITED, round_, **who)
    luck = rng.random()
    if luck < 0.05:
        script.note(opened, K.LOST, round_, **who, detail="down")
    elif luck < 0.1:
        script.note(received, K.UNREACHABLE, round_, **who)
    else:
        script.note(received, K.RECEIVED, round_, **who)
        if luck < 0.2:
            script.note((received + trained) / 2, K.CRASHED if luck < 0.15 else K.DROPPED, round_, **who)
        else:
            script.note(trained, K.TRAINED, round_, **who)
            return arrive(script, who, arrived, closes, round_, luck)
    script.note(closes, K.TIMED_OUT, round_, **who)
    return float("inf")


def arrive(script: Script, who: dict, arrived: float, closes: float, round_: int, luck: float) -> float:
    script.note(arrived, K.ARRIVED, round_, **who)
    if arrived > closes:
        script.note(closes, K.TIMED_OUT, round_, **who)
        script.note(arrived, K.REJECTED, round_, **who, detail="late")
        return float("inf")
    if who["client"] == 7 and luck > 0.4:
        script.note(arrived, K.REJECTED, round_, **who, detail="non-finite")
        return float("inf")
    script.note(arrived, K.ACCEPTED, round_, **who, value=0.0)
    if luck > 0.9:
        script.note(arrived - 1, K.DUPLICATED, round_, **who)
        script.note(arrived + 0.5, K.ARRIVED, round_, **who)
        script.note(arrived + 0.5, K.REJECTED, round_, **who, detail="duplicate")
    return arrived


def simulate(
    label: str = "Krum, full knowledge", *, rounds: int = 9, clients: int = 8, seed: int = 0, ceiling: float = 0.93
) -> RunView:
    """A synchronous server: a round closes when every client has answered, or after a minute."""
    script = Script(random.Random(seed))
    now, records = 0.0, []
    bad = COMPROMISED if clients == 8 else frozenset(range(clients * 4 // 5, clients))
    for number in range(1, rounds + 1):
        script.note(now, K.ROUND_OPENED, number)
        arrivals = {client: task(script, client, now, now + 60, number) for client in range(clients)}
        used = sorted(client for client, time in arrivals.items() if time < float("inf"))
        close = max((arrivals[client] for client in used), default=now) if len(used) == clients else now + 60
        records.append(finish(script, number, close, used, bad, ceiling))
        now = close + 1
    events = script.events()
    return RunView(label, CONFIG, VERSIONS, summary(records, events), records, events, bad)


def simulate_async(label: str = "Krum, async", *, clients: int = 8, until: float = 400.0, seed: int = 1) -> RunView:
    """A buffered asynchronous server: every third update makes a version, and each client starts anew at once."""
    script, due = Script(random.Random(seed)), []
    for client in range(clients):
        now = 0.0
        while now < until:
            who = {"client": client, "task": script.tasks}
            script.tasks += 1
            trained = now + 1 + (90 if client == 5 else 25) * (0.5 + script.rng.random())
            for time, kind in ((now, K.INVITED), (now + 1, K.RECEIVED), (trained, K.TRAINED), (trained + 2, K.ARRIVED)):
                script.note(time, kind, 0, **who)
            due.append((trained + 2, who))
            now = trained + 2.5
    records, versions = [], dict.fromkeys(range(clients), 0)
    for i, (time, who) in enumerate(sorted(due, key=lambda entry: entry[0]), start=1):
        script.note(time, K.ACCEPTED, i // 3, **who, value=float(script.version - versions[who["client"]]))
        if i % 3 == 1:
            script.note(time, K.ROUND_OPENED, i // 3 + 1)
        if i % 3 == 0:
            records.append(finish(script, i // 3, time, [who["client"]], COMPROMISED, 0.9))
        versions[who["client"]] = script.version
    events = script.events()
    return RunView(label, CONFIG, {}, summary(records, events), records, events, COMPROMISED)


def finish(
    script: Script, number: int, close: float, used: list[int], bad: frozenset[int], ceiling: float
) -> RoundRecord:
    if number == 4:
        script.note(close, K.ROUND_FAILED, number, detail="too few updates")
        return RoundRecord(number, script.version, close, number * 0.1, len(used), 1, failure="too few updates")
    script.version += 1
    script.note(close, K.AGGREGATED, number, value=float(len(used)), detail="ab" * 32)
    accuracy = ceiling * (1 - 0.75**number) + 0.02 * script.rng.random()
    script.note(close, K.EVALUATED, number, value=accuracy)
    weights = {client: 0.01 if client in bad else 0.3 * script.rng.random() for client in used}
    return RoundRecord(number, script.version, close, number * 0.1, len(used), 1, accuracy, 1 - accuracy, weights)


def summary(records: list[RoundRecord], events: tuple[Event, ...]) -> dict:
    return {
        "test_accuracy": records[-1].accuracy,
        "test_error": 1 - records[-1].accuracy,
        "rounds": len(records),
        "virtual_seconds": events[-1].time,
        "wall_seconds": records[-1].wall_seconds,
        "clients_per_pass": 12.25,
        "trace_sha256": "0123456789abcdef" * 4,
        "accepted": sum(e.kind is K.ACCEPTED for e in events),
    }


CONFIG = {"name": "krum & <friends>", "server": {"aggregator": {"kind": "krum", "f": 2}}, "shares": [0.1, 0.2]}
VERSIONS = {"fedprop": "0.1.0", "torch": "2.6.0"}


@pytest.fixture
def make_run() -> Callable[..., RunView]:
    return simulate


@pytest.fixture
def async_run() -> RunView:
    return simulate_async()


@pytest.fixture
def run() -> RunView:
    return simulate()


@pytest.fixture
def table() -> TableView:
    """Two rules against two attacks: one cell far from the paper, one missing, one without the paper's number."""
    return TableView(
        title="Rules against attacks",
        rows=("Krum", "Trimmed mean"),
        columns=("no attack", "full knowledge"),
        ours={
            ("Krum", "no attack"): (0.10, 0.14),
            ("Krum", "full knowledge"): (0.40,),
            ("Trimmed mean", "no attack"): (0.06,),
        },
        paper={("Krum", "no attack"): 0.11, ("Krum", "full knowledge"): 0.75, ("Trimmed mean", "full knowledge"): 0.52},
        source="Fang et al. 2020, Table 2",
        notes="MNIST stand-in.",
    )
