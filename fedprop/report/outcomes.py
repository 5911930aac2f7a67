"""Counts split by who sent: rejections by reason, tasks by what became of them, updates by staleness."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias, TypeVar

from fedprop.report.run import RunView
from fedprop.simulation.events import EventKind
from fedprop.types import ClientId

K = TypeVar("K")
Task: TypeAlias = tuple[ClientId | None, int | None]

FATES = {
    EventKind.ACCEPTED: "accepted",
    EventKind.CRASHED: "client crashed",
    EventKind.DROPPED: "dropped midway",
    EventKind.SILENT: "kept silent",
    EventKind.UNREACHABLE: "client unreachable",
    EventKind.LOST: "message lost",
    EventKind.REJECTED: "rejected",
    EventKind.TIMED_OUT: "timed out",
}
"""What can become of a task, the most telling first: a crash explains the timeout that follows it."""

UNFINISHED = "unfinished"


class Split(NamedTuple):
    """How many came from honest clients, from compromised ones, and from a sender nobody could name."""

    honest: int
    compromised: int
    unknown: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)


def rejections(run: RunView) -> dict[str, Split]:
    """Rejected messages by reason, the most frequent reason first."""
    rejected = (event for event in run.events if event.kind is EventKind.REJECTED)
    return _by_size(_split(run, ((event.detail or "no reason given", event.client) for event in rejected)))


def fates(run: RunView) -> dict[str, Split]:
    """The tasks that the server gave out by what became of them, the most frequent first."""
    ranks = {kind: rank for rank, kind in enumerate(FATES)}
    names = (*FATES.values(), UNFINISHED)
    best: dict[Task, int] = {(e.client, e.task): len(FATES) for e in run.events if e.kind is EventKind.INVITED}
    for event in run.events:
        task = event.client, event.task
        if task in best and event.kind in ranks:
            best[task] = min(best[task], ranks[event.kind])
    return _by_size(_split(run, ((names[rank], client) for (client, _), rank in best.items())))


def staleness(run: RunView) -> dict[int, Split]:
    """Accepted updates by how many versions they were behind, the freshest first."""
    accepted = (event for event in run.events if event.kind is EventKind.ACCEPTED)
    counts = _split(run, ((round(event.value or 0), event.client) for event in accepted))
    return dict(sorted(counts.items()))


def _split(run: RunView, found: Iterable[tuple[K, ClientId | None]]) -> dict[K, Split]:
    counts: dict[K, Counter[str]] = defaultdict(Counter)
    for key, client in found:
        side = "unknown" if client is None else "compromised" if client in run.compromised else "honest"
        counts[key][side] += 1
    return {key: Split(*(count[side] for side in Split._fields)) for key, count in counts.items()}


def _by_size(splits: dict[str, Split]) -> dict[str, Split]:
    return dict(sorted(splits.items(), key=lambda item: (-item[1].total, item[0])))
