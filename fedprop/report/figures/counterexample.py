"""The rows of a counterexample in one or two dimensions, with the answer that was due and the one that came."""

from collections import Counter
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedprop.report.figures.style import COMPROMISED, GRID, HONEST, INK, NORMAL, SMALL, new_figure, style

Point = Sequence[float]


def counterexample_figure(
    title: str,
    rows: Sequence[Point],
    *,
    byzantine: Iterable[int] = (),
    server: int | None = None,
    expected: Point | None = None,
    actual: Point | None = None,
) -> Figure:
    """Rows [n][d] for d = 1, drawn on a line, or d = 2; rows at one place are counted beside it.

    The row that is the `server`'s own, if there is one, is drawn apart from those of its clients.
    """
    flat = len(rows[0]) == 1
    figure = new_figure(7, 2.4 if flat else 5)
    axes = figure.add_subplot()
    style(axes, title)
    hostile = set(byzantine)
    honest = [row for i, row in enumerate(rows) if i not in hostile and i != server]
    _points(axes, honest, label="honest row", color=HONEST, marker="o")
    _points(axes, [rows[i] for i in sorted(hostile)], label="Byzantine row", color=COMPROMISED, marker="X")
    _points(axes, [] if server is None else [rows[server]], label="server's row", color=INK, marker="^")
    _answer(axes, expected, label="expected", marker="s")
    _answer(axes, actual, label="actual", marker="D", filled=True)
    axes.grid(color=GRID)
    axes.margins(0.15)
    if flat:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    axes.legend(fontsize=SMALL, frameon=False, labelspacing=1.2, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def _points(axes: Axes, rows: Sequence[Point], *, label: str, color: str, marker: str) -> None:
    if not rows:
        return
    places = Counter(_place(row) for row in rows)
    x, y = zip(*places, strict=True)
    axes.scatter(x, y, s=70, c=color, marker=marker, label=label, alpha=0.85, zorder=3)
    for place, count in places.items():
        if count > 1:
            axes.annotate(f"x{count}", place, (7, 7), textcoords="offset points", fontsize=NORMAL, color=INK)


def _answer(axes: Axes, point: Point | None, *, label: str, marker: str, filled: bool = False) -> None:
    if point is None:
        return
    x, y = _place(point)
    face = INK if filled else "none"
    size = 30 if filled else 190
    axes.scatter(
        [x], [y], s=size, marker=marker, facecolors=face, edgecolors=INK, linewidths=1.6, label=label, zorder=4
    )


def _place(row: Point) -> tuple[float, float]:
    return (row[0], row[1]) if len(row) > 1 else (row[0], 0.0)
