"""A sweep's table as a heat map: our numbers, the paper's under them, and a frame where they disagree."""

from statistics import fmean
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fedprop.report.figures.style import ABSENT, COMPROMISED, HONEST, INK, MUTED, NORMAL, SMALL, new_figure, style
from fedprop.report.picture import Picture
from fedprop.report.run import DEVIATION, Cell, TableView

HEAT = LinearSegmentedColormap.from_list("error", ["#fff8ec", "#f5a35c", "#8c2d04"])
"""Light is a low value and dark a high one; lightness alone tells them apart."""

CHARACTERS = 10
"""Of a note's letters so many go on an inch, with room to spare for what stands left of the axes."""


def table_figure(table: TableView) -> Figure:
    """Rows by columns, coloured by the mean over trials; the paper's number stands under ours."""
    figure = new_figure(max(2.4 + 1.3 * len(table.columns), 7), 2.0 + 0.62 * len(table.rows))
    axes = figure.add_subplot()
    scale = _scale(table)
    for y, row in enumerate(table.rows):
        for x, column in enumerate(table.columns):
            _draw_cell(axes, (x, y), table.cell(row, column), scale)
    _frame(axes, table, round(CHARACTERS * figure.get_figwidth()))
    return figure


def _scale(table: TableView) -> Normalize:
    """From 0 to 1, as errors go, or further where the numbers do."""
    means = [fmean(trials) for trials in table.ours.values() if trials]
    return Normalize(min([0.0, *means]), max([1.0, *means]))


def _draw_cell(axes: Axes, place: tuple[int, int], cell: Cell, scale: Normalize) -> None:
    x, y = place
    share = None if cell.mean is None else float(scale(cell.mean))
    color = ABSENT if share is None else HEAT(share)
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=color))
    ink = "white" if share is not None and share > 0.75 else INK
    lift = 0 if cell.paper is None else 0.14
    ink = COMPROMISED if cell.failures and share is None else ink
    axes.text(x, y - lift, _words(cell), ha="center", va="center", fontsize=NORMAL + 1, fontweight="bold", color=ink)
    if cell.paper is not None:
        axes.text(x, y + 0.22, f"paper {cell.paper:.2f}", ha="center", va="center", fontsize=SMALL, color=ink)
    if cell.deviates:
        frame = Rectangle((x - 0.46, y - 0.43), 0.92, 0.86, fill=False, edgecolor=HONEST, linewidth=2.5)
        axes.add_patch(frame)


def _words(cell: Cell) -> str:
    """What went wrong stands on a line of its own, where there is a number too."""
    return str(cell).replace(" (", "\n(")


def _frame(axes: Axes, table: TableView, letters: int) -> None:
    axes.set_xlim(-0.5, len(table.columns) - 0.5)
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    axes.set_xticks(range(len(table.columns)), [fill(name, 16) for name in table.columns])
    axes.set_yticks(range(len(table.rows)), [fill(name, 26) for name in table.rows])
    style(axes, table.title, f"{table.value}; light is low, dark is high")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    notes = [f"paper: {table.source}"] if table.source else []
    if any(table.cell(row, column).deviates for row in table.rows for column in table.columns):
        notes.append(f"blue frame: further than {DEVIATION:.2f} from the paper")
    told = fill("; ".join([*notes, *table.legend]), letters)
    axes.set_xlabel(told, loc="left", fontsize=SMALL, color=MUTED)


PICTURE = Picture(
    "table",
    section="Table",
    alt="Heat map of the table that follows as text:",
    of_table=lambda table, runs: table_figure(table),
)
