"""Test accuracy against rounds or against simulated time, one line per run."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedprop.report.figures.curves import Against, draw_curves, final_accuracy, floor_of, is_curve, line_styles
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
        _name_end(axes)
    else:
        style(axes, title)
        _name_lines(figure, axes, drawn)
    return figure


def _name_end(axes: Axes) -> None:
    """Write the final value at the end of a lone line."""
    x, y = np.asarray(axes.lines[0].get_xydata())[-1]
    look: dict[str, Any] = {"va": "center", "fontsize": NORMAL, "color": INK}
    axes.annotate(f"{y:.3f}", (x, y), (6, 0), textcoords="offset points", **look)


def _name_lines(figure: Figure, axes: Axes, runs: Sequence[RunView]) -> None:
    """A legend beside the axes, in the order in which the lines end; trials of one label are averaged."""
    ends: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        ends[run.label].append(final_accuracy(run) or 0.0)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    labels = sorted(ends, key=lambda label: -fmean(ends[label]))
    names = [f"{label}  {fmean(ends[label]):.2f}" for label in labels]
    look: dict[str, Any] = {"fontsize": SMALL, "frameon": False, "title": "final accuracy"}
    figure.legend([handles[label] for label in labels], names, loc="outside right upper", **look)


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
