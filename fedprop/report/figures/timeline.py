"""What every client and the server were doing in the first rounds: a Gantt chart."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fedprop.report.figures.rows import in_order, name_rows
from fedprop.report.figures.style import COMPROMISED, INK, MUTED, SMALL, WIDE, new_figure, style
from fedprop.report.picture import Picture
from fedprop.report.run import RunView
from fedprop.report.timeline import CLOSES_ROUND, Interval, Phase, timeline
from fedprop.report.units import time_unit
from fedprop.simulation.events import Event, EventKind
from fedprop.types import ClientId, Seconds

ROUNDS, ARRIVALS, CLIENTS = 6, 40, 30
"""The window ends when so many rounds have closed and so many messages have arrived; so many clients have a row."""

PHASES = {
    Phase.WAITING: "#eceef1",
    Phase.DOWN: "#56B4E9",
    Phase.TRAINING: "#009E73",
    Phase.UP: "#E69F00",
}
MARKS = {
    EventKind.REJECTED: ("X", COMPROMISED),
    EventKind.TIMED_OUT: ("D", "#ffffff"),
    EventKind.DROPPED: ("v", "#CC79A7"),
    EventKind.CRASHED: ("*", INK),
    EventKind.SILENT: ("h", COMPROMISED),
    EventKind.UNREACHABLE: ("s", MUTED),
    EventKind.LOST: ("P", "#0072B2"),
}
SERVER_SHADES = ("#b9c0c9", "#d9dde2")
FAILED = "#f0b6a0"

Rows: TypeAlias = Mapping[ClientId | None, int]


def timeline_figure(run: RunView, *, rounds: int = ROUNDS, clients: int = CLIENTS) -> Figure | None:
    """A row for the server's rounds, then a row per client: its phases in colour, and marks for what went wrong.

    Dashed lines are aggregations. A long run is cut to its first rounds and many clients to an even choice among honest
    and compromised ones; the line under the title says so. None if no client was given a task, or no events were kept.
    """
    window = _window(run.events, rounds)
    intervals = timeline(window)
    active = in_order({i.client for i in intervals if i.client is not None}, run.compromised)
    if not active:
        return None
    shown = _spread(active, clients)
    rows = {client: y for y, client in enumerate([None, *shown])}
    size, unit = time_unit(window[-1].time - window[0].time)
    figure = new_figure(WIDE, 2.2 + 0.24 * len(rows))
    axes = figure.add_subplot()
    _draw_intervals(axes, [i for i in intervals if i.client in rows], rows, size)
    _draw_rounds(axes, [i for i in intervals if i.phase is Phase.ROUND], size)
    _draw_marks(axes, window, rows, size)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.01)
    axes.set_xlabel(f"simulated time ({unit})")
    style(axes, "What clients were doing", _subtitle(run, window, intervals, (len(shown), len(active))))
    name_rows(axes, list(rows), run.compromised)
    _explain(figure, axes, intervals)
    return figure


def _explain(figure: Figure, axes: Axes, intervals: Sequence[Interval]) -> None:
    """A legend of the phases and marks that there are."""
    there = {interval.phase for interval in intervals}
    colors = {phase.value: color for phase, color in PHASES.items() if phase in there}
    if any(interval.outcome is EventKind.ROUND_FAILED for interval in intervals):
        colors["failed round"] = FAILED
    patches = [Patch(color=color, label=name) for name, color in colors.items()]
    marks, _ = axes.get_legend_handles_labels()
    figure.legend(handles=[*patches, *marks], loc="outside lower center", ncols=6, fontsize=SMALL, frameon=False)


def _window(events: Sequence[Event], rounds: int) -> Sequence[Event]:
    """The events up to the close of the round that completes the window."""
    closed = arrived = 0
    for i, event in enumerate(events):
        arrived += event.kind is EventKind.ARRIVED
        closed += event.kind in CLOSES_ROUND
        if event.kind in CLOSES_ROUND and closed >= rounds and arrived >= ARRIVALS:
            return events[: i + 1]
    return events


def _spread(clients: Sequence[ClientId], limit: int) -> list[ClientId]:
    """At most `limit` of them, evenly spaced, so that both sides keep their share."""
    count = min(limit, len(clients))
    return [clients[i * len(clients) // count] for i in range(count)]


def _draw_intervals(axes: Axes, intervals: Sequence[Interval], rows: Rows, size: Seconds) -> None:
    for phase, color in PHASES.items():
        spans = defaultdict(list)
        for interval in intervals:
            if interval.phase is phase:
                spans[rows[interval.client]].append((interval.start / size, (interval.end - interval.start) / size))
        for y, bars in spans.items():
            axes.broken_barh(bars, (y - 0.36, 0.72), color=color, linewidth=0)


def _draw_rounds(axes: Axes, rounds: Sequence[Interval], size: Seconds) -> None:
    """The server's row; a round too short for its number goes without."""
    room = 0.025 * max((interval.end for interval in rounds), default=0.0)
    for interval in rounds:
        start, length = interval.start / size, (interval.end - interval.start) / size
        failed = interval.outcome is EventKind.ROUND_FAILED
        color = FAILED if failed else SERVER_SHADES[(interval.round or 0) % 2]
        axes.broken_barh([(start, length)], (-0.36, 0.72), color=color, linewidth=0)
        if interval.end - interval.start >= room:
            look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": SMALL, "color": INK}
            axes.text(start + length / 2, 0, f"{interval.round}", **look)


def _draw_marks(axes: Axes, events: Sequence[Event], rows: Rows, size: Seconds) -> None:
    """Aggregations as lines through all rows, and what went wrong as a mark in the row of its client."""
    times = [event.time / size for event in events if event.kind is EventKind.AGGREGATED]
    dashes = (0, (4, 3))
    axes.vlines(times, -0.6, len(rows) - 0.4, color=MUTED, linewidth=0.8, linestyle=dashes, label="aggregation")
    for kind, (marker, color) in MARKS.items():
        found = [(e.time / size, rows[e.client]) for e in events if e.kind is kind and e.client in rows]
        if found:
            xs, ys = zip(*found, strict=True)
            look: dict[str, Any] = {"s": 36, "c": color, "edgecolors": INK, "linewidths": 0.8, "zorder": 3}
            axes.scatter(xs, ys, marker=marker, label=kind.value.replace("_", " "), clip_on=False, **look)


def _subtitle(run: RunView, window: Sequence[Event], intervals: Sequence[Interval], clients: tuple[int, int]) -> str:
    """What was left out (`clients`: shown, active), and how the active clients spent their time."""
    parts = []
    if len(window) < len(run.events):
        shown, total = (sum(event.kind in CLOSES_ROUND for event in events) for events in (window, run.events))
        parts.append(f"first {shown} of {total} rounds")
    if clients[0] < clients[1]:
        parts.append(f"{clients[0]} of {clients[1]} clients")
    spent: dict[Phase, Seconds] = defaultdict(float)
    for interval in intervals:
        if interval.client is not None:
            spent[interval.phase] += interval.end - interval.start
    whole = sum(spent.values())
    if whole:
        parts.append(f"{spent[Phase.TRAINING] / whole:.0%} training, {spent[Phase.WAITING] / whole:.0%} waiting")
    return "; ".join(parts)


PICTURE = Picture(
    "timeline",
    section="Timeline",
    alt="Gantt chart of what each client and the server did in the first rounds.",
    of_run=timeline_figure,
)
