"""What real nodes and their server were doing, and how good the model became: a Gantt chart above a curve."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fedprop.report.figures.style import COMPROMISED, DASHES, INK, SERIES, SMALL, WIDE, new_figure, style, whole_numbers

PHASES = {
    "waiting of the server": "#F0D56B",
    "aggregation": "#CC79A7",
    "communication": "#56B4E9",
    "start of the client app": "#d5d9de",
    "training": "#009E73",
    "stopped": "#5b6470",
}
"""What somebody can be doing, and its colour: those of FedSecurity's Figure 16, beside two that it does not show."""


class Bar(NamedTuple):
    """A stretch of time, in seconds, that somebody spent on one thing of `PHASES`."""

    who: str
    phase: str
    start: float
    end: float


class Mark(NamedTuple):
    """A moment, in seconds, at which something became of somebody."""

    who: str
    what: str
    time: float


def deployment_figure(
    names: Sequence[str],
    bars: Sequence[Bar],
    marks: Sequence[Mark],
    accuracy: Mapping[str, Sequence[tuple[int, float]]],
    *,
    hostile: Sequence[str] = (),
) -> Figure:
    """A row for each of those named, from the top down, and accuracy by round below.

    Parameters
    ----------
    names : of all whom bars and marks are of.
    accuracy : curves by name, each of pairs of a round and an accuracy in [0, 1]; one without any is not drawn.
    hostile : those whose names stand in the colour of attackers.
    """
    rows = {who: row for row, who in enumerate(names)}
    figure = new_figure(WIDE, 4.4 + 0.26 * len(rows))
    above, below = figure.subplots(2, 1, height_ratios=[1 + 0.3 * len(rows), 3])
    _draw(above, bars, marks, rows)
    above.set_yticks(list(rows.values()), list(rows))
    above.set_ylim(len(rows) - 0.4, -0.6)
    above.margins(x=0.01)
    above.set_xlabel("seconds since the first round began")
    style(above, "What nodes and server were doing")
    for label in above.get_yticklabels():
        label.set_color(COMPROMISED if label.get_text() in hostile else INK)
    _curves(below, accuracy)
    there = {bar.phase for bar in bars}
    patches = [Patch(color=color, label=phase) for phase, color in PHASES.items() if phase in there]
    points, _ = above.get_legend_handles_labels()
    above.legend(
        handles=[*patches, *points],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncols=7,
        fontsize=SMALL,
        frameon=False,
    )
    return figure


def _draw(axes: Axes, bars: Sequence[Bar], marks: Sequence[Mark], rows: Mapping[str, int]) -> None:
    for phase, color in PHASES.items():
        spans = defaultdict(list)
        for bar in bars:
            if bar.phase == phase:
                spans[rows[bar.who]].append((bar.start, bar.end - bar.start))
        for row, own in spans.items():
            # An aggregation of a millisecond is seen as a line of its colour.
            axes.broken_barh(own, (row - 0.36, 0.72), facecolor=color, edgecolor=color, linewidth=0.6)
    for what in dict.fromkeys(mark.what for mark in marks):
        found = [(mark.time, rows[mark.who]) for mark in marks if mark.what == what]
        look: dict[str, Any] = {"s": 60, "c": INK, "marker": "X", "zorder": 3, "label": what}
        axes.scatter(*zip(*found, strict=True), **look)


def _curves(axes: Axes, accuracy: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    drawn = {name: points for name, points in accuracy.items() if points}
    for number, (name, points) in enumerate(drawn.items()):
        dash, color = DASHES[number % len(DASHES)], SERIES[number % len(SERIES)]
        axes.plot(*zip(*points, strict=True), label=name, color=color, linestyle=dash, marker="o", markersize=3)
    axes.set_ylim(0, 1)
    axes.set_xlabel("round")
    axes.set_ylabel("test accuracy")
    whole_numbers(axes, axis="x")
    style(axes, "Accuracy")
    if drawn:
        axes.legend(fontsize=SMALL, frameon=False, loc="lower right")
