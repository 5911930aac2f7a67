"""The look that all figures share.

Colours are Okabe and Ito's set ("Color Universal Design", 2008), which stays apart under every common colour
blindness; blue is always honest and vermillion always compromised.
"""

from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

INK = "#1f2328"
MUTED = "#5b6470"
GRID = "#e3e6ea"
ABSENT = "#d5d9de"
HONEST = "#0072B2"
COMPROMISED = "#D55E00"
UNKNOWN = "#8a919b"

SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#1f2328", "#B8A900")
DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))

SMALL, NORMAL, LARGE = 9, 10, 13

WIDE, HALF = 11, 5.6
"""Widths, in inches, of a figure that fills a page and of one that stands beside another: so that both have letters of
one size there."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, whose layout keeps labels and legends clear of the data."""
    return Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")


def style(axes: Axes, title: str, subtitle: str = "") -> None:
    """Give axes their title, the line under it, and quiet spines and ticks."""
    axes.set_title(title, loc="left", fontsize=LARGE, fontweight="bold", color=INK, pad=24 if subtitle else 10)
    if subtitle:
        look: dict[str, Any] = {"fontsize": NORMAL, "color": MUTED}
        axes.annotate(subtitle, (0, 1), (0, 8), xycoords="axes fraction", textcoords="offset points", **look)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(ABSENT)
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=SMALL)
    axes.xaxis.label.set(fontsize=NORMAL, color=INK)
    axes.yaxis.label.set(fontsize=NORMAL, color=INK)
    axes.set_axisbelow(True)


def whole_numbers(axes: Axes, *, axis: str) -> None:
    """Put ticks of the "x" or "y" axis on whole numbers only."""
    getattr(axes, f"{axis}axis").set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def png(figure: Figure) -> bytes:
    """The figure as PNG, the same bytes for the same figure. A dollar sign in a label is one, and begins no formula."""
    buffer = BytesIO()
    with rc_context({"text.parse_math": False}):  # for ticks, which are made only now
        for text in figure.findobj(Text):
            text.set_parse_math(False)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
