"""How different the clients' data are: load diversity against label diversity, a point for each class."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedprop.report.figures.style import GRID, HALF, SERIES, SMALL, new_figure, style
from fedprop.report.picture import Picture
from fedprop.report.run import RunView

Points: TypeAlias = set[tuple[float, float]]
Setting: TypeAlias = tuple[str, ...]

MARKERS = "osD^vPX<>"
"""One for each partition, then again from the first: of points that coincide each can be seen."""


def diversity_figure(runs: Sequence[RunView]) -> Figure | None:
    """Figure 1 of Lu et al. 2024: one look for each partition. None where no run knows classes."""
    found: dict[Setting, Points] = {}
    for run in runs:
        if points := _points(run):
            found.setdefault(_setting(run), set()).update(points)
    if not found:
        return None
    names = _names(list(found))
    figure = new_figure(HALF + (2.4 if len(found) > 1 else 0), 4.2)
    axes = figure.add_subplot()
    for place, (name, points) in enumerate(zip(names, found.values(), strict=True)):
        _draw(axes, name, sorted(points), place)
    alone = "" if len(names) > 1 else f"{names[0]}: "
    style(axes, "Heterogeneity of the clients' data", f"{alone}a point for each class")
    axes.set_xlabel("label diversity (at most 0.5)")
    axes.set_ylabel("load diversity (examples)")
    axes.set_xlim(-0.02, 0.52)
    axes.set_ylim(bottom=0)
    axes.grid(color=GRID)
    if len(names) > 1:
        figure.legend(loc="outside right upper", fontsize=SMALL, frameon=False)
    return figure


def _points(run: RunView) -> Points:
    """(label diversity, load diversity) of each class."""
    numbers = run.summary.get("numbers", {})
    load, label = (numbers.get(f"{name}_diversity", {}).get("parts", {}) for name in ("load", "label"))
    return {(label[name], load[name]) for name in load if name in label}


def _setting(run: RunView) -> Setting:
    """What the two diversities depend on, but for the seed: partition, clients and data."""
    data = run.config.get("data") or {}
    return str(run.summary.get("partition", "")), f"{run.config.get('clients')} clients", str(data.get("kind", ""))


def _names(settings: Sequence[Setting]) -> list[str]:
    """Each partition, with clients and data where these differ between the settings."""
    told = [place for place in range(len(settings[0])) if not place or len({each[place] for each in settings}) > 1]
    return [", ".join(setting[place] for place in told) for setting in settings]


def _draw(axes: Axes, name: str, points: Sequence[tuple[float, float]], place: int) -> None:
    look: dict[str, Any] = {"color": SERIES[place % len(SERIES)], "marker": MARKERS[place % len(MARKERS)]}
    # Those at the left edge would be cut in half.
    across, up = zip(*points, strict=True)
    axes.scatter(across, up, label=name, s=42, alpha=0.8, linewidths=0, clip_on=False, zorder=3, **look)


PICTURE = Picture(
    "diversity",
    section="Heterogeneity",
    alt="Load diversity against label diversity, a point for each class; the numbers above are their means.",
    of_run=lambda run: diversity_figure([run]),
    of_table=lambda table, runs: diversity_figure(runs),
)
