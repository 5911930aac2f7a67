"""How far targeted attacks have come: misclassification confidence by round, one line for each run."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from fedprop.report.figures.curves import line_styles, marker
from fedprop.report.figures.style import GRID, SMALL, WIDE, new_figure, style, whole_numbers
from fedprop.report.run import RunView


def confidence_figure(runs: Sequence[RunView]) -> Figure | None:
    """The probability that the global model gives to the labels wanted; runs of one label (trials) look the same.

    None if it was measured twice in no run, which a line takes.
    """
    runs = [run for run in runs if any(record.confidence is not None for record in run.rounds)]
    if not any(sum(record.confidence is not None for record in run.rounds) > 1 for run in runs):
        return None
    figure = new_figure(WIDE, 3.6)
    axes = figure.add_subplot()
    style(axes, "Misclassification confidence by round")
    styles, named = line_styles(run.label for run in runs), set[str]()
    for run in runs:
        points = [(record.round, record.confidence) for record in run.rounds if record.confidence is not None]
        label = "_nolegend_" if run.label in named else run.label
        axes.plot(*zip(*points, strict=True), label=label, linewidth=1.8, **marker(len(points)), **styles[run.label])
        named.add(run.label)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("round")
    axes.set_ylabel("confidence")
    axes.grid(color=GRID)
    whole_numbers(axes, axis="x")
    if len(styles) > 1:
        figure.legend(fontsize=SMALL, frameon=False, loc="outside right upper")
    return figure
