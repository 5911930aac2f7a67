"""Numbers by round: a panel for each number, and in it a line for each run."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedprop.report.figures.curves import line_styles, marker
from fedprop.report.figures.style import GRID, HALF, SMALL, WIDE, new_figure, style, whole_numbers
from fedprop.report.numbers import Points, series
from fedprop.report.picture import Picture
from fedprop.report.run import RunView


def numbers_figure(runs: Sequence[RunView]) -> Figure | None:
    """A panel for each number that some run has in two rounds, which a line takes; runs of one label look the same."""
    found = [(run.label, series(run)) for run in runs]
    names = list(dict.fromkeys(name for _, own in found for name, points in own.items() if len(points) > 1))
    if not names:
        return None
    styles = line_styles(label for label, own in found if own)
    columns = min(2, len(names))
    figure = new_figure(HALF if columns == 1 and len(styles) == 1 else WIDE, 3.6 * ceil(len(names) / columns))
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(ceil(len(names) / columns), columns, place)
        _draw(axes, name, [(label, own[name]) for label, own in found if name in own], styles)
    if len(styles) > 1:
        axes = max(figure.axes, key=lambda each: len(each.get_legend_handles_labels()[1]))
        figure.legend(*axes.get_legend_handles_labels(), fontsize=SMALL, frameon=False, loc="outside right upper")
    return figure


def _draw(axes: Axes, name: str, lines: Sequence[tuple[str, Points]], styles: dict[str, dict[str, Any]]) -> None:
    style(axes, f"{name[:1].upper()}{name[1:]}")
    named = set[str]()
    for label, points in lines:
        shown = "_nolegend_" if label in named else label
        axes.plot(*zip(*points, strict=True), label=shown, linewidth=1.8, **marker(len(points)), **styles[label])
        named.add(label)
    if all(0.0 <= value <= 1.0 for _, points in lines for _, value in points):
        axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("round")
    axes.grid(color=GRID)
    whole_numbers(axes, axis="x")


PICTURE = Picture(
    "numbers_by_round",
    section="Numbers",
    alt="Line charts of numbers against rounds, one chart for each number.",
    of_run=lambda run: numbers_figure([run]),
    of_table=lambda table, runs: numbers_figure(runs),
)
