"""How old the updates were that an asynchronous server accepted."""

from matplotlib.figure import Figure

from fedprop.report.figures.bars import stacked
from fedprop.report.figures.style import GRID, WIDE, new_figure, style, whole_numbers
from fedprop.report.outcomes import staleness
from fedprop.report.picture import Picture
from fedprop.report.run import RunView


def staleness_figure(run: RunView) -> Figure | None:
    """Accepted updates by staleness: how many versions the server made between a task's invitation and its return.

    None if no update was stale.
    """
    counts = staleness(run)
    if not any(counts):
        return None
    total = sum(split.total for split in counts.values())
    mean = sum(age * split.total for age, split in counts.items()) / total
    figure = new_figure(WIDE, 3.6)
    axes = figure.add_subplot()
    stacked(axes, list(counts), list(counts.values()))
    axes.set_xlabel("versions behind")
    axes.set_ylabel("updates")
    axes.grid(axis="y", color=GRID)
    whole_numbers(axes, axis="x")
    whole_numbers(axes, axis="y")
    style(axes, "Staleness of accepted updates", f"{mean:.1f} versions behind on average")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


PICTURE = Picture(
    "staleness",
    section="Staleness",
    alt="Bar chart of accepted updates by how many versions they were behind.",
    of_run=staleness_figure,
)
