"""A run as Chrome trace events, for Perfetto (ui.perfetto.dev) or chrome://tracing.

Source: the Trace Event Format of the Chromium project: complete events (X), instants (i), counters (C), metadata (M).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

from fedprop.report.run import RunView
from fedprop.report.timeline import Interval, Phase, timeline
from fedprop.simulation.events import Event, EventKind
from fedprop.types import ClientId, Seconds

SERVER, CLIENTS = 1, 2
"""Process ids; 0 would be taken for the kernel's idle process."""

MAX_EVENTS = 200_000
"""A longer run shows its beginning only, so that a viewer can still open the file."""

_SILENT = frozenset((EventKind.ROUND_OPENED, EventKind.INVITED, EventKind.RECEIVED, EventKind.TRAINED))
"""Kinds of events that get no mark of their own, since the intervals show them."""

Lane: TypeAlias = tuple[ClientId | None, int]


def chrome_trace(run: RunView, *, max_events: int = MAX_EVENTS) -> dict[str, Any]:
    """The trace as a mapping ready for `json.dumps`; times in microseconds of simulated time.

    Clients are threads of one process, the server is a process of its own. A client whose tasks overlap has one thread
    for each that runs at the same time, since a viewer cannot draw two crossing intervals on one thread.
    """
    events = tuple(islice(run.events, max_events))
    intervals = [interval for interval in timeline(events) if interval.phase is not Phase.WAITING]
    lanes = _lanes(intervals)
    threads = _threads(lanes, events)
    timed = [*map(_complete, intervals, (threads[lane] for lane in lanes)), *_points(events, threads)]
    timed.sort(key=lambda entry: (entry["ts"], -entry.get("dur", 0)))
    return {
        "traceEvents": [*_metadata(run, threads), *timed],
        "displayTimeUnit": "ms",
        "otherData": {"run": run.label, "events": len(run.events), "events_shown": len(events)},
    }


def _lanes(intervals: Sequence[Interval]) -> list[Lane]:
    """A lane of its owner for each interval (sorted by start), such that intervals in one lane never overlap."""
    free: dict[ClientId | None, list[Seconds]] = {}
    lanes = []
    for interval in intervals:
        ends = free.setdefault(interval.client, [])
        lane = next((i for i, end in enumerate(ends) if end <= interval.start), len(ends))
        ends[lane : lane + 1] = [interval.end]
        lanes.append((interval.client, lane))
    return lanes


def _threads(lanes: Sequence[Lane], events: Sequence[Event]) -> dict[Lane, int]:
    """A thread id for each lane, in the order of client ids; the server's first."""
    owners = {(None, 0), *((event.client, 0) for event in events), *lanes}
    return {lane: tid for tid, lane in enumerate(sorted(owners, key=lambda lane: (_sort_key(lane[0]), lane[1])))}


def _sort_key(client: ClientId | None) -> tuple[bool, int]:
    return client is not None, client or 0


def _place(client: ClientId | None, tid: int) -> dict[str, int]:
    return {"pid": SERVER if client is None else CLIENTS, "tid": tid}


def _micro(time: Seconds) -> int:
    return round(time * 1e6)


def _complete(interval: Interval, tid: int) -> dict[str, Any]:
    start = _micro(interval.start)
    name = f"round {interval.round}" if interval.phase is Phase.ROUND else interval.phase.value
    args = {"round": interval.round, "task": interval.task, "ended by": interval.outcome or "end of run"}
    times = {"ts": start, "dur": _micro(interval.end) - start}
    return {"name": name, "cat": interval.phase.value, "ph": "X", **times, **_place(interval.client, tid), "args": args}


def _points(events: Sequence[Event], threads: Mapping[Lane, int]) -> Iterator[dict[str, Any]]:
    for event in events:
        if event.kind is EventKind.EVALUATED:
            yield _counter(event, threads)
        elif event.kind not in _SILENT:
            yield _instant(event, threads)


def _counter(event: Event, threads: Mapping[Lane, int]) -> dict[str, Any]:
    place = _place(None, threads[None, 0])
    return {"name": "test accuracy", "ph": "C", "ts": _micro(event.time), **place, "args": {"accuracy": event.value}}


def _instant(event: Event, threads: Mapping[Lane, int]) -> dict[str, Any]:
    name = f"{event.kind.value}: {event.detail}" if event.kind is EventKind.REJECTED else event.kind.value
    args = {"round": event.round, "version": event.version, "task": event.task, "detail": event.detail}
    place = _place(event.client, threads[event.client, 0])
    return {"name": name, "cat": event.kind.value, "ph": "i", "s": "t", "ts": _micro(event.time), **place, "args": args}


def _metadata(run: RunView, threads: Mapping[Lane, int]) -> Iterator[dict[str, Any]]:
    for pid, name in ((SERVER, "server"), (CLIENTS, "clients")):
        yield {"name": "process_name", "ph": "M", "pid": pid, "tid": 0, "args": {"name": name}}
        yield {"name": "process_sort_index", "ph": "M", "pid": pid, "tid": 0, "args": {"sort_index": pid}}
    for (client, lane), tid in threads.items():
        place = _place(client, tid)
        yield {"name": "thread_name", "ph": "M", **place, "args": {"name": _thread_name(run, client, lane)}}
        yield {"name": "thread_sort_index", "ph": "M", **place, "args": {"sort_index": tid}}


def _thread_name(run: RunView, client: ClientId | None, lane: int) -> str:
    name = "rounds" if client is None else f"client {client}"
    return name + (" (compromised)" if client in run.compromised else "") + (f", lane {lane + 1}" if lane else "")
