"""The worst robustness coefficients found, beside those that are proved."""

from collections.abc import Sequence
from typing import Protocol

from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from fedprop.report.figures.style import GRID, SERIES, SMALL, new_figure, style, whole_numbers


class Height(Protocol):
    """What the figure needs to know of one search."""

    @property
    def n(self) -> int: ...
    @property
    def f(self) -> int: ...
    @property
    def kappa(self) -> float: ...
    @property
    def bound(self) -> float | None: ...


def peaks_figure(peaks: Sequence[Height]) -> Figure:
    """For each f, dots for what the search reached against the number of rows, and a line for the proved constant."""
    figure = new_figure(8, 4.5)
    axes = figure.add_subplot()
    style(axes, "Worst robustness coefficient", "dots: reached by search; lines: proved for every input")
    for f, color in zip(sorted({peak.f for peak in peaks}), SERIES, strict=False):
        own = [peak for peak in peaks if peak.f == f]
        axes.scatter([p.n for p in own], [p.kappa for p in own], color=color, label=f"f = {f}", zorder=3)
        proved = [(p.n, p.bound) for p in own if p.bound is not None]
        if proved:
            axes.plot(*zip(*proved, strict=True), color=color, linewidth=1.5)
    axes.set_xlabel("rows n")
    axes.set_ylabel("kappa")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(ScalarFormatter())
    axes.grid(color=GRID)
    whole_numbers(axes, axis="x")
    axes.legend(fontsize=SMALL, frameon=False)
    return figure
