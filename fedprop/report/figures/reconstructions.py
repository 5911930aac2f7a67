"""What attackers made of updates, beside the examples that these came from."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from fedprop.privacy.leakage.kept import Pair, pairs_of
from fedprop.report.figures.style import INK, MUTED, SMALL, new_figure
from fedprop.report.picture import Picture
from fedprop.report.run import RunView

ACROSS = 8
"""Pairs beside each other; more begin a new line."""

SIDE = 1.35
"""Inches of a picture's side."""


class Column(NamedTuple):
    """A pair, and what is written above it."""

    title: str
    pair: Pair


def reconstructions_figure(columns: Sequence[Column]) -> Figure | None:
    """Each original above its reconstruction, with its peak signal-to-noise ratio below. None without any."""
    if not columns:
        return None
    lines = [columns[first : first + ACROSS] for first in range(0, len(columns), ACROSS)]
    width = min(len(columns), ACROSS)
    figure = new_figure(SIDE * width + 0.9, (2 * SIDE + 0.75) * len(lines))
    places = figure.subplots(2 * len(lines), width, squeeze=False)
    for axes in places.flat:
        axes.set_axis_off()
    for number, line in enumerate(lines):
        for place, column in enumerate(line):
            above, below = places[2 * number, place], places[2 * number + 1, place]
            _show(above, column.pair.original)
            _show(below, column.pair.reconstruction)
            above.set_title(column.title, fontsize=SMALL, color=INK)
            _note(below, f"{column.pair.psnr:.1f} dB", (0.5, -0.06), va="top", ha="center")
        for row, words in enumerate(("original", "reconstruction")):
            _note(places[2 * number + row, 0], words, (-0.06, 0.5), va="center", ha="right", rotation=90)
    return figure


def _show(axes: Axes, picture: Tensor) -> None:
    axes.imshow(picture.movedim(0, -1).squeeze(-1).numpy(), cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")


def _note(axes: Axes, words: str, place: tuple[float, float], **look: Any) -> None:
    axes.annotate(words, place, xycoords="axes fraction", fontsize=SMALL, color=MUTED, **look)


def _drawable(pair: Pair) -> bool:
    """Whether it is a picture, grey or in colours."""
    return pair.original.ndim == 3 and pair.original.shape[0] in (1, 3)


def _last(run: RunView) -> Iterator[tuple[str, list[Pair]]]:
    """What each attack made of the update that it saw last, with its name."""
    newest = {(f.attack, f.client): pairs_of(f) for record in run.rounds for f in record.findings}
    for (attack, _), pairs in newest.items():
        if pairs and _drawable(pairs[0]):
            yield attack, pairs


def _of_run(run: RunView) -> Figure | None:
    return reconstructions_figure([Column(_words(attack), pair) for attack, pairs in _last(run) for pair in pairs])


def _of_runs(runs: Sequence[RunView]) -> Figure | None:
    """Of each run and attack the pair that came out best, under the run's row and column."""
    told = [(run, list(_last(run))) for run in runs]
    several_columns = len({run.column for run, found in told if found}) > 1
    columns = []
    for run, found in told:
        for attack, pairs in found:
            words = [run.row] + [run.column] * several_columns + [_words(attack)] * (len(found) > 1)
            columns.append(Column("\n".join(words), pairs[0]))
    return reconstructions_figure(columns)


def _words(attack: str) -> str:
    return attack.replace("_", " ")


PICTURE = Picture(
    "reconstructions",
    section="Reconstruction",
    alt="Pictures that an attacker reconstructed from updates, below the originals.",
    of_run=_of_run,
    of_table=lambda table, runs: _of_runs(runs),
)
