"""The parts of numbers by round, such as the accuracy of each class: a panel for each number, a line for each part."""

from collections import defaultdict
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedprop.experiments.measures import kinds_of_numbers
from fedprop.report.figures.curves import line_styles, marker
from fedprop.report.figures.style import GRID, SMALL, WIDE, new_figure, style, whole_numbers
from fedprop.report.numbers import Points
from fedprop.report.picture import Picture
from fedprop.report.run import RunView


def parts_figure(run: RunView) -> Figure | None:
    """None where no such number was measured in two rounds, which a line takes."""
    known = kinds_of_numbers()
    found = {known[kind]: lines for kind in known if known[kind].parts_curve and (lines := part_series(run, kind))}
    if not found:
        return None
    figure = new_figure(WIDE, 3.8 * len(found))
    for place, (number, lines) in enumerate(found.items(), start=1):
        _draw(figure.add_subplot(len(found), 1, place), number.label, number.parts_of, lines)
    return figure


def part_series(run: RunView, kind: str) -> dict[int, Points]:
    """The number of each part by round, for parts that have it in two rounds at least."""
    found: dict[int, Points] = defaultdict(list)
    for record in run.rounds:
        reading = record.numbers.get(kind)
        for part, value in () if reading is None else sorted(reading.parts.items()):
            if value is not None:
                found[part].append((record.round, value))
    return {part: points for part, points in found.items() if len(points) > 1}


def _draw(axes: Axes, label: str, parts_of: str, lines: dict[int, Points]) -> None:
    looks = line_styles(map(str, lines))
    for part, points in lines.items():
        look: dict[str, Any] = {"label": f"{parts_of} {part}", "linewidth": 1.6, **looks[str(part)]}
        axes.plot(*zip(*points, strict=True), **marker(len(points)), **look)
    style(axes, f"{label[:1].upper()}{label[1:]}")
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("round")
    axes.grid(color=GRID)
    axes.legend(fontsize=SMALL, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    whole_numbers(axes, axis="x")


PICTURE = Picture(
    "parts_by_round",
    section="Numbers",
    alt="Line charts of the parts of numbers against rounds, such as the accuracy of each class.",
    of_run=parts_figure,
)
