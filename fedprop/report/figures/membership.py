"""How well membership inference works: the curve of the last attack, and the area under it round by round.

The idea is that of Guo et al. 2024, Figures 18 to 20: one panel for each attack, one line for each run or model.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedprop.report.figures.curves import line_styles, marker
from fedprop.report.figures.style import GRID, MUTED, SMALL, new_figure, style, whole_numbers
from fedprop.report.membership import ATTACK_NAMES, Line, lines
from fedprop.report.picture import Picture
from fedprop.report.run import RunView

GUESSING: dict[str, Any] = {"color": MUTED, "linestyle": (0, (1, 1.5)), "linewidth": 1.2}
"""The look of an attack that guesses."""


def roc_figure(runs: Sequence[RunView]) -> Figure | None:
    """The ROC curve of each line's last attack; the dotted diagonal is guessing. None if no model was attacked."""
    found = lines(runs)
    return _panels(found, _draw_roc) if found else None


def auc_figure(runs: Sequence[RunView]) -> Figure | None:
    """The area under the ROC curve by round; the dotted line at one half is guessing.

    None if no model was attacked in two rounds, which a line takes.
    """
    found = lines(runs)
    return _panels(found, _draw_auc) if any(len(line.rounds) > 1 for line in found) else None


def _panels(found: Sequence[Line], draw: Callable[[Axes, Line, dict[str, Any]], None]) -> Figure:
    attacks = [attack for attack in ATTACK_NAMES if any(line.attack == attack for line in found)]
    styles = line_styles(line.name for line in found)
    figure = new_figure(4.7 * len(attacks), 4.7 + 0.2 * ceil((len(styles) + 1) / len(attacks)))
    for place, attack in enumerate(attacks, start=1):
        axes = figure.add_subplot(1, len(attacks), place)
        style(axes, ATTACK_NAMES[attack])
        axes.grid(color=GRID)
        axes.set_ylim(-0.02, 1.02)
        for line in found:
            if line.attack == attack:
                draw(axes, line, styles[line.name])
    _legend(figure, styles, columns=len(attacks))
    return figure


def _draw_roc(axes: Axes, line: Line, look: dict[str, Any]) -> None:
    axes.plot([0, 1], [0, 1], **GUESSING)
    axes.plot(line.last.fpr, line.last.tpr, label=f"AUC {line.last.auc:.2f}", linewidth=1.8, **look)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share of non-members taken for members")
    axes.set_ylabel("share of members found")
    axes.legend(loc="lower right", fontsize=SMALL, frameon=False)


def _draw_auc(axes: Axes, line: Line, look: dict[str, Any]) -> None:
    axes.axhline(0.5, **GUESSING)
    areas = [inference.auc for inference in line.inferences]
    axes.plot(line.rounds, areas, linewidth=1.8, **marker(len(areas)), **look)
    axes.set_xlabel("round")
    axes.set_ylabel("AUC")
    whole_numbers(axes, axis="x")


def _legend(figure: Figure, styles: Mapping[str, dict[str, Any]], columns: int) -> None:
    """One legend under the panels, whichever of them draw a line."""
    handles = [Line2D([], [], linewidth=1.8, **look) for look in styles.values()]
    handles.append(Line2D([], [], **GUESSING))
    look: dict[str, Any] = {"ncols": columns, "fontsize": SMALL, "frameon": False}
    figure.legend(handles, [*styles, "guessing"], loc="outside lower center", **look)


ROC = Picture(
    "membership_roc",
    section="Membership inference",
    alt="ROC curves of membership inference, one chart for each attack.",
    of_run=lambda run: roc_figure([run]),
    of_table=lambda table, runs: roc_figure(runs),
)
AREAS = Picture(
    "membership_auc",
    section="Membership inference",
    alt="Line charts of the area under those curves against rounds.",
    of_run=lambda run: auc_figure([run]),
    of_table=lambda table, runs: auc_figure(runs),
)
