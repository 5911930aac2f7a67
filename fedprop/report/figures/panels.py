"""The accuracy curves of a sweep: one panel per column (an attack), one line per row (a rule)."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedprop.report.figures.curves import Against, draw_curves, floor_of, is_curve, line_styles
from fedprop.report.figures.style import SMALL, new_figure, style
from fedprop.report.picture import Picture
from fedprop.report.run import RunView

COLUMNS = 3


def panels_figure(runs: Sequence[RunView], *, against: Against) -> Figure | None:
    """A panel for each `RunView.column`, in order of first appearance, with a line for each run's `row` in it.

    None if no run was evaluated twice, which a line takes; the table holds what was measured once.
    """
    groups = list(dict.fromkeys(run.column for run in runs))
    if not any(is_curve(run) for run in runs):
        return None
    columns = min(COLUMNS, len(groups))
    lines = ceil(len(groups) / columns)
    styles = line_styles(run.row for run in runs)
    figure = new_figure(max(3.6 * columns, 6), 2.9 * lines + 0.7)
    floor = floor_of(runs)
    first: Axes | None = None
    for i, group in enumerate(groups):
        axes = figure.add_subplot(lines, columns, i + 1, sharex=first)
        first = first or axes
        draw_curves(axes, [(run.row, run) for run in runs if run.column == group], styles, against, floor=floor)
        style(axes, group)
        axes.yaxis.label.set_visible(i % columns == 0)
        axes.xaxis.label.set_visible(i + columns >= len(groups))
    _legend(figure, columns)
    return figure


def _legend(figure: Figure, columns: int) -> None:
    """One legend under the panels; a name appears once however many panels draw it."""
    entries: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    look: dict[str, Any] = {"ncols": columns, "fontsize": SMALL, "frameon": False}
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", **look)


BY_ROUND = Picture(
    "panels_by_round",
    section="Accuracy by round",
    alt="Line charts of test accuracy against rounds, one chart for each column of the table.",
    of_table=lambda table, runs: panels_figure(runs, against="round"),
)
OVER_TIME = Picture(
    "panels_over_time",
    section="Accuracy over simulated time",
    alt="Line charts of test accuracy against simulated time, one chart for each column of the table.",
    of_table=lambda table, runs: panels_figure(runs, against="time"),
)
