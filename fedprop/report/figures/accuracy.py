"""Test accuracy against rounds or against simulated time, one line per run."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedprop.report.figures.curves import (
    BROKEN_OFF,
    Against,
    breaks_off,
    draw_curves,
    final_accuracy,
    floor_of,
    is_curve,
    line_styles,
)
from fedprop.report.figures.style import HALF, INK, NORMAL, SMALL, WIDE, new_figure, style
from fedprop.report.picture import Picture
from fedprop.report.run import RunView


def accuracy_figure(runs: Sequence[RunView], *, against: Against = "round") -> Figure | None:
    """One line for each label; several runs of one label are trials and share its colour. None without a line."""
    title = "Test accuracy by round" if against == "round" else "Test accuracy over simulated time"
    drawn = [run for run in runs if is_curve(run)]
    if not drawn:
        return None
    # That of a single run stands beside another one on a page.
    figure = new_figure(HALF, 3.6) if len(drawn) == 1 else new_figure(WIDE, 4.6)
    axes = figure.add_subplot()
    draw_curves(
        axes,
        [(run.label, run) for run in drawn],
        line_styles(run.label for run in drawn),
        against,
        floor=floor_of(drawn),
    )
    if len(drawn) == 1:
        style(axes, title, drawn[0].label)
        _name_end(axes, drawn[0])
    else:
        style(axes, title)
        _name_lines(figure, axes, drawn)
    return figure


def _name_end(axes: Axes, run: RunView) -> None:
    """Write the final value at the end of a lone line, or that there is none."""
    x, y = np.asarray(axes.lines[0].get_xydata())[-1]
    look: dict[str, Any] = {"va": "center", "fontsize": NORMAL, "color": INK}
    if breaks_off(run):
        axes.legend(handles=axes.lines[1:], loc="best", fontsize=SMALL, frameon=False)
        return
    axes.annotate(f"{y:.3f}", (x, y), (6, 0), textcoords="offset points", **look)


def _name_lines(figure: Figure, axes: Axes, runs: Sequence[RunView]) -> None:
    """A legend beside the axes, in the order in which the lines end; trials of one label are averaged, if they end."""
    ends: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        end = final_accuracy(run)
        ends[run.label] += [] if end is None else [end]
    labels = sorted(ends, key=lambda label: -fmean(ends[label] or [-1]))
    names = {label: f"{label}  {fmean(ends[label]):.2f}" if ends[label] else f"{label}  none" for label in labels}
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    if BROKEN_OFF in handles:
        names[BROKEN_OFF] = BROKEN_OFF
    look: dict[str, Any] = {"fontsize": SMALL, "frameon": False, "title": "final accuracy"}
    figure.legend([handles[label] for label in names], names.values(), loc="outside right upper", **look)


BY_ROUND = Picture(
    "accuracy_by_round",
    section="Accuracy",
    alt="Line chart of test accuracy against rounds; the table below holds the same numbers.",
    of_run=lambda run: accuracy_figure([run], against="round"),
)
OVER_TIME = Picture(
    "accuracy_over_time",
    section="Accuracy",
    alt="Line chart of test accuracy against simulated time.",
    of_run=lambda run: accuracy_figure([run], against="time"),
)
