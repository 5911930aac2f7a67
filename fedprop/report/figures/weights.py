"""Whom the rule trusted: the weight of every client in every round."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fedprop.report.figures.rows import in_order, name_rows
from fedprop.report.figures.style import ABSENT, COMPROMISED, NORMAL, SMALL, WIDE, new_figure, style, whole_numbers
from fedprop.report.picture import Picture
from fedprop.report.run import RunView
from fedprop.types import ClientId

MAX_NAMED = 40
"""With more clients than this the rows are too thin to name."""

TRUST = LinearSegmentedColormap.from_list("trust", ["#ffffff", "#009E73", "#002a1f"]).with_extremes(bad=ABSENT)


def weights_figure(run: RunView) -> Figure | None:
    """A heat map, clients by rounds, honest clients above compromised ones; grey where no update was used.

    None if no round recorded the weights of its updates.
    """
    if not any(r.weights for r in run.rounds):
        return None
    clients = in_order(_clients(run), run.compromised)
    figure = new_figure(WIDE, min(2.4 + 0.22 * len(clients), 9))
    axes = figure.add_subplot()
    _draw(figure, axes, run, clients)
    axes.set_xlabel("round")
    whole_numbers(axes, axis="x")
    style(axes, "Weight of each client's update", _verdict(run, clients))
    _name(axes, run, clients)
    return figure


def _clients(run: RunView) -> set[ClientId]:
    """Everybody who took part, so that a client who was never trusted has a row too."""
    weighed = {client for r in run.rounds for client in r.weights}
    return weighed | {event.client for event in run.events if event.client is not None}


def _draw(figure: Figure, axes: Axes, run: RunView, clients: Sequence[ClientId]) -> None:
    first, last = run.rounds[0].round, run.rounds[-1].round
    grid = _grid(run, clients)
    extent = (first - 0.5, last + 0.5, len(clients) - 0.5, -0.5)
    low, high = min(0.0, float(np.nanmin(grid))), float(np.nanmax(grid))
    image = axes.imshow(grid, TRUST, aspect="auto", interpolation="nearest", extent=extent, vmin=low, vmax=high)
    bar = figure.colorbar(image, ax=axes, pad=0.02, fraction=0.03, aspect=4.5 * figure.get_figheight())
    bar.set_label("weight in the aggregate", fontsize=NORMAL)
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)


def _grid(run: RunView, clients: Sequence[ClientId]) -> NDArray[np.float64]:
    """Weights [clients, rounds], NaN where a client's update was not used."""
    first, last = run.rounds[0].round, run.rounds[-1].round
    place = {client: i for i, client in enumerate(clients)}
    grid = np.full((len(clients), last - first + 1), np.nan)
    for record in run.rounds:
        for client, weight in record.weights.items():
            grid[place[client], record.round - first] = weight
    return grid


def _name(axes: Axes, run: RunView, clients: Sequence[ClientId]) -> None:
    honest = sum(client not in run.compromised for client in clients)
    if 0 < honest < len(clients):
        axes.axhline(honest - 0.5, color=COMPROMISED, linewidth=1.5)
    if len(clients) <= MAX_NAMED:
        name_rows(axes, clients, run.compromised)
        return
    groups = ((honest, 0, "honest"), (len(clients) - honest, honest, "compromised"))
    shown = [(start + count / 2 - 0.5, f"{count} {name}") for count, start, name in groups if count]
    axes.set_yticks([place for place, _ in shown], [name for _, name in shown])


def _verdict(run: RunView, clients: Sequence[ClientId]) -> str:
    """How much of the trust went to the adversary."""
    total = sum(sum(r.weights.values()) for r in run.rounds)
    theirs = sum(weight for r in run.rounds for client, weight in r.weights.items() if client in run.compromised)
    count = sum(client in run.compromised for client in clients)
    if not count or total <= 0:
        return "grey: not used"
    whom = f"the {count} of {len(clients)} clients that are compromised"
    return f"{theirs / total:.0%} of all weight went to {whom}; grey: not used"


PICTURE = Picture(
    "weights",
    section="Trust",
    alt="Heat map of each client's weight in the aggregate of each round.",
    of_run=weights_figure,
)
