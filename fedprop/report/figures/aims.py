"""What attacks want misclassified: some of the inputs, above the test inputs that they are made of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedprop.report.figures.style import INK, NORMAL, WIDE, new_figure
from fedprop.report.picture import Picture
from fedprop.report.run import RunView


def aims_figure(run: RunView) -> Figure | None:
    """Two rows of pictures for each attack that aims at some; None where none does."""
    if not run.aims:
        return None
    columns = max(len(told["wanted"]) for told in run.aims.values())
    figure = new_figure(min(WIDE, 2.2 * columns + 0.6), 4.6 * len(run.aims))
    grid = figure.subplots(2 * len(run.aims), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for place, told in enumerate(run.aims.values()):
        _draw(grid[2 * place : 2 * place + 2], told)
    return figure


def _draw(grid: Any, told: Mapping[str, Any]) -> None:
    """One attack's inputs, and below each the test input it is made of."""
    shown = np.asarray(told["inputs"]), np.asarray(told["before"])
    low, high = min(float(each.min()) for each in shown), max(float(each.max()) for each in shown)
    for column, (wanted, label) in enumerate(zip(told["wanted"], told["labels"], strict=True)):
        _show(grid[0][column], shown[0][column], f"{told['attack']}: to be {wanted}", low, high)
        _show(grid[1][column], shown[1][column], f"as it was: {label}", low, high)


def _show(axes: Axes, picture: Any, title: str, low: float, high: float) -> None:
    scaled = (picture - low) / (high - low or 1.0)
    axes.imshow(scaled[0] if len(scaled) == 1 else np.moveaxis(scaled, 0, -1), cmap="gray", vmin=0.0, vmax=1.0)
    axes.set_title(title, fontsize=NORMAL, color=INK)


PICTURE = Picture(
    "aims",
    section="What the attack wants",
    alt="Pictures that the attack wants misclassified, and as what, above the test inputs that they are made of.",
    of_run=aims_figure,
)
