"""Test accuracy as curves on given axes, shared by the figures that show it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from fedprop.report.figures.style import DASHES, GRID, INK, SERIES, whole_numbers
from fedprop.report.run import RunView
from fedprop.report.units import time_unit
from fedprop.simulation.events import RoundRecord

Against: TypeAlias = Literal["round", "time"]

STEPS = {0.8: 0.05, 0.5: 0.1, 0.0: 0.2}
"""Where an axis of accuracies may begin, and how far apart its ticks are then; so curves that all do well differ."""

BROKEN_OFF = "afterwards the test loss is NaN or infinite"
CROSS: dict[str, Any] = {"marker": "x", "markersize": 8, "markeredgewidth": 2, "linestyle": "none", "color": INK}
"""The end of a curve whose run went on without numbers."""

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
    """Where the run was evaluated (rounds, or simulated seconds) and its test accuracy there.

    It ends where the model answers with no numbers to the end, since an accuracy is no measure of such a model.
    """
    tested = [r for r in run.rounds if r.accuracy is not None]
    while tested and _numberless(tested[-1]):
        tested.pop()
    return [r.round if against == "round" else r.time for r in tested], [r.accuracy or 0.0 for r in tested]


def breaks_off(run: RunView) -> bool:
    """Whether the run's last test found a model that answers with no numbers."""
    return any(_numberless(r) for r in [r for r in run.rounds if r.accuracy is not None][-1:])


def _numberless(record: RoundRecord) -> bool:
    return record.loss is not None and not math.isfinite(record.loss)


def draw_curves(
    axes: Axes,
    curves: Sequence[tuple[str, RunView]],
    styles: Mapping[str, dict[str, Any]],
    against: Against,
    *,
    floor: float,
) -> None:
    """Draw the named runs above an accuracy of `floor`; runs of one name (trials) look the same and share an entry."""
    size, unit = time_unit(max((run.rounds[-1].time for _, run in curves if run.rounds), default=0.0))
    named: set[str] = set()
    for name, run in curves:
        xs, ys = curve(run, against)
        shown = xs if against == "round" else [x / size for x in xs]
        label = name if name not in named else "_nolegend_"
        axes.plot(shown, ys, label=label, linewidth=1.8, **marker(len(xs)), **styles[name])
        if breaks_off(run):
            axes.plot(shown[-1:], ys[-1:], label=BROKEN_OFF, **CROSS)
        named.add(name)
    axes.set_xlabel("round" if against == "round" else f"simulated time ({unit})")
    _frame(axes, against, floor)


def is_curve(run: RunView) -> bool:
    """Whether the run was evaluated twice at least: once is a number, and two make a line."""
    return len(curve(run, "round")[0]) > 1


def final_accuracy(run: RunView) -> float | None:
    """The last accuracy measured; None if the run was never evaluated, or its last test found no numbers."""
    return None if breaks_off(run) else next(reversed(curve(run, "round")[1]), None)


def marker(points: int) -> dict[str, Any]:
    """Dots on a curve of so few points that each can be seen."""
    return {"marker": "o", "markersize": 3.5} if points <= MARKED else {}


def floor_of(runs: Iterable[RunView]) -> float:
    """Where the axis of accuracies begins for these runs: as high as leaves all of them on it."""
    lowest = min((y for run in runs for y in curve(run, "round")[1]), default=0.0)
    return max(floor for floor in STEPS if floor <= lowest)


def _frame(axes: Axes, against: Against, floor: float) -> None:
    """The same axes for all panels of a figure."""
    axes.update_datalim([(0, 0)], updatey=False)
    axes.margins(x=0.02)
    axes.set_ylim(floor, 1 + 0.02 * (1 - floor))
    axes.yaxis.set_major_locator(MultipleLocator(STEPS[floor]))
    axes.yaxis.set_major_formatter("{x:.2f}" if STEPS[floor] < 0.1 else "{x:.1f}")
    axes.set_ylabel("test accuracy")
    axes.grid(color=GRID)
    if against == "round":
        whole_numbers(axes, axis="x")
