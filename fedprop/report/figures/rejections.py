"""Who was rejected, and why."""

from matplotlib.figure import Figure

from fedprop.report.figures.bars import stacked
from fedprop.report.figures.style import GRID, WIDE, new_figure, style, whole_numbers
from fedprop.report.outcomes import Split, rejections
from fedprop.report.picture import Picture
from fedprop.report.run import RunView

MAX_REASONS = 12


def rejections_figure(run: RunView) -> Figure | None:
    """A bar for each reason, split into honest and compromised senders. None if nothing was rejected."""
    counts = _shorten(rejections(run))
    if not counts:
        return None
    figure = new_figure(WIDE, 1.7 + 0.36 * len(counts))
    axes = figure.add_subplot()
    places = list(range(len(counts)))
    stacked(axes, places, list(counts.values()), horizontal=True)
    for place, split in zip(places, counts.values(), strict=True):
        axes.annotate(f"{split.total:,}", (split.total, place), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, list(counts))
    axes.invert_yaxis()
    axes.set_xlabel("messages")
    axes.grid(axis="x", color=GRID)
    whole_numbers(axes, axis="x")
    style(axes, "Rejected messages by reason", f"{sum(split.total for split in counts.values()):,} in all")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def _shorten(counts: dict[str, Split]) -> dict[str, Split]:
    """At most `MAX_REASONS` bars, the last of which gathers the rest."""
    if len(counts) <= MAX_REASONS:
        return counts
    named = list(counts.items())
    rest = [split for _, split in named[MAX_REASONS - 1 :]]
    return {**dict(named[: MAX_REASONS - 1]), f"{len(rest)} other reasons": Split(*map(sum, zip(*rest, strict=True)))}


PICTURE = Picture(
    "rejections",
    section="Rejections",
    alt="Bar chart of rejected messages by reason and by kind of sender.",
    of_run=rejections_figure,
)
