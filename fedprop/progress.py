"""What a person sees while a run goes on."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fedprop.report.units import duration
from fedprop.simulation.engine import Snapshot
from fedprop.simulation.events import Event, EventKind, RoundRecord


class LiveProgress:
    """A line with round, simulated time, accuracy, the largest epsilon, rejected messages, and clients per second."""

    def __init__(self, console: Console, rounds: int) -> None:
        self._accuracy = "–"
        self._epsilon = 0.0
        self._accepted = self._rejected = 0
        self._began = time.perf_counter()
        self._progress = Progress(
            TextColumn("round {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("run", total=rounds, status="")

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

    def on_round(self, record: RoundRecord, snapshot: Callable[[], Snapshot]) -> None:
        """Show where the run is."""
        rate = (self._accepted + self._rejected) / max(time.perf_counter() - self._began, 1e-9)
        self._epsilon = max([self._epsilon, *record.epsilon.values()])
        private = f"epsilon {self._epsilon:.2f} · " if self._epsilon else ""
        status = (
            f"virtual time {duration(record.time)} · accuracy {self._accuracy} · {private}"
            f"rejected {self._rejected} · {rate:,.0f} clients/s"
        )
        self._progress.update(self._task, completed=record.round + 1, status=status)
