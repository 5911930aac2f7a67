"""Test accuracy as curves on given axes, shared by the figures that show it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from matplotlib.axes import Axes

from fedprop.report.figures.style import DASHES, GRID, SERIES, whole_numbers
from fedprop.report.run import RunView
from fedprop.report.units import time_unit

Against: TypeAlias = Literal["round", "time"]

MARKED = 40
"""A curve of at most this many points shows each of them."""


def line_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A colour for each name, then the same colours dashed, in order of first appearance."""
    unique = list(dict.fromkeys(names))
    return {
        name: {"color": SERIES[i % len(SERIES)], "linestyle": DASHES[i // len(SERIES) % len(DASHES)]}
        for i, name in enumerate(unique)
    }


def curve(run: RunView, against: Against) -> tuple[list[float], list[float]]:
    """Where the run was evaluated (rounds, or simulated seconds) and its test accuracy there."""
    points = [(r.round if against == "round" else r.time, r.accuracy) for r in run.rounds if r.accuracy is not None]
    return [x for x, _ in points], [y for _, y in points]


def draw_curves(
    axes: Axes, curves: Sequence[tuple[str, RunView]], styles: Mapping[str, dict[str, Any]], against: Against
) -> None:
    """Draw the named runs and set up the axes; runs of one name (trials) look the same and share a legend entry."""
    size, unit = time_unit(max((run.rounds[-1].time for _, run in curves if run.rounds), default=0.0))
    named: set[str] = set()
    for name, run in curves:
        xs, ys = curve(run, against)
        shown = xs if against == "round" else [x / size for x in xs]
        label = name if name not in named else "_nolegend_"
        axes.plot(shown, ys, label=label, linewidth=1.8, **marker(len(xs)), **styles[name])
        named.add(name)
    axes.set_xlabel("round" if against == "round" else f"simulated time ({unit})")
    _frame(axes, against)


def final_accuracy(run: RunView) -> float | None:
    """The last accuracy measured; None if the run was never evaluated."""
    return next((r.accuracy for r in reversed(run.rounds) if r.accuracy is not None), None)


def marker(points: int) -> dict[str, Any]:
    """Dots on a curve of so few points that each can be seen."""
    return {"marker": "o", "markersize": 3.5} if points <= MARKED else {}


def _frame(axes: Axes, against: Against) -> None:
    """The whole range of accuracies, so that two figures can be compared at a glance."""
    axes.update_datalim([(0, 0)], updatey=False)
    axes.margins(x=0.02)
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes.set_ylabel("test accuracy")
    axes.grid(color=GRID)
    if against == "round":
        whole_numbers(axes, axis="x")
