"""What a person sees while a run or a sweep goes on."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from fedprop.report.units import duration
from fedprop.simulation.engine import Snapshot
from fedprop.simulation.events import Event, EventKind, RoundRecord


class LiveProgress:
    """A line with round, simulated time, accuracy, the largest epsilon, rejected messages and clients per second.

    At its end stand the time left and what takes long just now.
    """

    def __init__(self, console: Console, rounds: int) -> None:
        self._accuracy = "–"
        self._epsilon = 0.0
        self._accepted = self._rejected = 0
        self._pace = Pace(rounds)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("round {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[status]}{task.fields[activity]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("run", total=rounds, status="", activity="")

    def __enter__(self) -> "LiveProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_event(self, event: Event) -> None:
        """Count what the line shows."""
        self._accepted += event.kind is EventKind.ACCEPTED
        self._rejected += event.kind is EventKind.REJECTED
        if event.kind is EventKind.EVALUATED and event.value is not None:
            self._accuracy = f"{event.value:.3f}"

    def on_activity(self, what: str) -> None:
        """Show what the run is busy with; an empty text ends it."""
        self._progress.update(self._task, activity=f" · {what}" if what else "")

    def on_round(self, record: RoundRecord, snapshot: Callable[[], Snapshot]) -> None:
        """Show where the run is."""
        self._pace.done(record.round + 1)
        rate = (self._accepted + self._rejected) / self._pace.elapsed
        self._epsilon = max([self._epsilon, *record.epsilon.values()])
        parts = [
            f"virtual time {duration(record.time)}",
            f"accuracy {self._accuracy}",
            *([f"epsilon {self._epsilon:.2f}"] if self._epsilon else []),
            f"rejected {self._rejected}",
            f"{rate:,.0f} clients/s",
            *([self._pace.left] if self._pace.left else []),
        ]
        self._progress.update(self._task, completed=record.round + 1, status=" · ".join(parts))


class SweepProgress:
    """A line for each cell as it ends, and below them how many have, and when all will have."""

    def __init__(self, console: Console, cells: int) -> None:
        self._console = console
        self._cells = cells
        self._ended = 0
        self._pace = Pace(cells)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(f"0 of {cells} cells", total=cells)

    def __enter__(self) -> "SweepProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_kept(self, name: str, outcome: str) -> None:
        """A cell had ended before; it says nothing of how long the others take."""
        self._pace.begin_at(self._ended + 1)
        self._say(name, f"{outcome} (kept)")

    def on_cell(self, name: str, outcome: str) -> None:
        """A cell has ended."""
        self._pace.done(self._ended + 1)
        self._say(name, outcome)

    def _say(self, name: str, outcome: str) -> None:
        self._ended += 1
        place = f"{self._ended} of {self._cells}"
        left = f", {self._pace.left}" if self._pace.left else ""
        self._progress.update(self._task, completed=self._ended, description=f"{place} cells{left}")
        self._console.print(Text(f"{place}{left}: {name}: {outcome}"), soft_wrap=True)


class Pace:
    """How fast things get done, and so how long the rest will take."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._first: int | None = None
        self._done = 0
        self._began = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning, never zero."""
        return max(time.perf_counter() - self._began, 1e-9)

    def begin_at(self, done: int) -> None:
        """What was `done` before anything was measured does not count for the pace."""
        self._first = self._done = done

    def done(self, done: int) -> None:
        """How many are done now; the first time, all but one of them were done before."""
        if self._first is None:
            self._first = done - 1
        self._done = done

    @property
    def left(self) -> str:
        """The time left in words; empty if there is no telling, or nothing left."""
        measured, missing = self._done - (self._first or 0), self._total - self._done
        if measured <= 0 or missing <= 0:
            return ""
        return f"about {roughly(self.elapsed / measured * missing)} left"


def roughly(seconds: float) -> str:
    """A length of time as a person would say it.

    >>> roughly(0.2), roughly(34), roughly(200), roughly(5_000), roughly(400_000)
    ('1 s', '34 s', '3 min', '1.4 h', '111 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 3_600:
        return f"{round(seconds / 60)} min"
    hours = seconds / 3_600
    return f"{hours:.1f} h" if hours < 10 else f"{round(hours)} h"


def outcome_of(summary: Mapping[str, Any], failure: str) -> str:
    """How a cell ended, in a few words."""
    if failure:
        return f"failed: {failure}"
    parts = [f"test error {summary['test_error']:.3f}"]
    if summary["failed_rounds"]:
        parts.append(f"{summary['failed_rounds']} of {summary['rounds']} rounds failed")
    if summary["failed_attacks"]:
        parts.append(f"{summary['failed_attacks']} failed attacks")
    return ", ".join(parts)
