"""Events turned into intervals: what each client and the server were doing, and when."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fedprop.messages import Reason
from fedprop.simulation.events import Event, EventKind
from fedprop.types import ClientId, Round, Seconds


class Phase(StrEnum):
    """What an interval is spent on. A task passes through the first three, in this order."""

    DOWN = "communication down"
    TRAINING = "training"
    UP = "communication up"
    WAITING = "waiting"
    ROUND = "round"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of simulated time.

    Attributes
    ----------
    client : who; None for the server, whose intervals are its rounds.
    round : the round of the event that began it; None while waiting.
    task : the task it belongs to; None for rounds and waiting.
    outcome : the kind of event that ended it; None for waiting, and where the run ended first.
    """

    client: ClientId | None
    phase: Phase
    start: Seconds
    end: Seconds
    round: Round | None = None
    task: int | None = None
    outcome: EventKind | None = None


_OPENS = {EventKind.INVITED: Phase.DOWN, EventKind.RECEIVED: Phase.TRAINING, EventKind.TRAINED: Phase.UP}
_ORDER = tuple(_OPENS.values())
_GONE = frozenset((EventKind.DROPPED, EventKind.CRASHED, EventKind.SILENT))
_ENDS = {
    Phase.DOWN: _GONE | {EventKind.LOST, EventKind.UNREACHABLE},
    Phase.TRAINING: _GONE,
    Phase.UP: _GONE | {EventKind.ARRIVED, EventKind.LOST},
}
"""What ends each phase beside the beginning of a later one; while a client trains, only reports arrive or get lost."""

_JUDGED = frozenset((EventKind.HEARD, EventKind.ACCEPTED, EventKind.REJECTED))
"""What the server makes of each message of a task that arrives, in the order in which they do."""

_REPORTS_ONLY = frozenset((Reason.REPORT_FORGED, Reason.REPORT_REPLAYED))
"""Reasons to refuse that no update gives."""

CLOSES_ROUND = frozenset((EventKind.AGGREGATED, EventKind.ROUND_FAILED))


def timeline(events: Iterable[Event]) -> list[Interval]:
    """The intervals of all clients and of the server, sorted by start.

    Messages may be lost, duplicated or late and tasks may never end: a task's phases only ever move forward, a repeated
    event changes nothing, and whatever is still open at the last event is cut there. Nor do phases end with what a
    client reports beside its update, whenever that arrives. A timeout ends no interval, since
    the client knows nothing of it. Tasks of one client may overlap; its waiting is the time without any.
    """
    ordered = sorted(events, key=lambda event: (event.time, event.seq))
    if not ordered:
        return []
    begin, end = ordered[0].time, ordered[-1].time
    stories: dict[tuple[ClientId, int], list[Event]] = defaultdict(list)
    for event in ordered:
        if event.client is not None and event.task is not None:
            stories[event.client, event.task].append(event)
    tasks = [interval for story in stories.values() for interval in _task(story, end)]
    found = [*_rounds(ordered, end), *tasks, *_waiting(tasks, begin, end)]
    return sorted(found, key=lambda interval: (interval.start, interval.end))


def _task(story: Sequence[Event], end: Seconds) -> Iterator[Interval]:
    """The phases of one task, from its events in order; once its invitation or update is lost, no later one begins."""
    opened: Event | None = None
    reached = -1
    for event in _without_reports(story):
        rank = _ORDER.index(_OPENS[event.kind]) if event.kind in _OPENS else -1
        forward = rank > reached
        training = opened is not None and opened.kind is EventKind.RECEIVED
        if opened and (forward or event.kind in _ENDS[_OPENS[opened.kind]]):
            yield _span(opened, event.time, event.kind)
            opened = None
        if forward:
            opened, reached = event, rank
        if event.kind is EventKind.LOST and not training:
            reached = len(_ORDER)
    if opened:
        yield _span(opened, end, None)


def _without_reports(story: Sequence[Event]) -> Iterator[Event]:
    """The events of a task but for the arrivals of what is no update, as the server's judgement of each tells."""
    judgements = (event for event in story if event.kind in _JUDGED)
    for event in story:
        judged = next(judgements, None) if event.kind is EventKind.ARRIVED else None
        if judged is None or not (judged.kind is EventKind.HEARD or judged.detail in _REPORTS_ONLY):
            yield event


def _span(opened: Event, end: Seconds, outcome: EventKind | None) -> Interval:
    return Interval(opened.client, _OPENS[opened.kind], opened.time, end, opened.round, opened.task, outcome)


def _rounds(ordered: Sequence[Event], end: Seconds) -> Iterator[Interval]:
    opened: dict[Round, Seconds] = {}
    for event in ordered:
        if event.kind is EventKind.ROUND_OPENED:
            opened.setdefault(event.round, event.time)
        elif event.kind in CLOSES_ROUND and event.round in opened:
            yield Interval(None, Phase.ROUND, opened.pop(event.round), event.time, event.round, outcome=event.kind)
    for number, start in opened.items():
        yield Interval(None, Phase.ROUND, start, end, number)


def _waiting(tasks: Iterable[Interval], begin: Seconds, end: Seconds) -> Iterator[Interval]:
    """The gaps between a client's tasks."""
    free: dict[ClientId | None, Seconds] = {}  # since when each client has had nothing to do
    for interval in sorted(tasks, key=lambda interval: interval.start):
        since = free.get(interval.client, begin)
        if interval.start > since:
            yield Interval(interval.client, Phase.WAITING, since, interval.start)
        free[interval.client] = max(since, interval.end)
    for client, since in free.items():
        if end > since:
            yield Interval(client, Phase.WAITING, since, end)
