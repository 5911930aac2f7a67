"""The figures of a page as PNG files with words for readers who cannot see them."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from fedprop.report.figures import (
    accuracy_figure,
    auc_figure,
    confidence_figure,
    malicious_index_figure,
    panels_figure,
    png,
    rejections_figure,
    roc_figure,
    staleness_figure,
    table_figure,
    timeline_figure,
    weights_figure,
)
from fedprop.report.run import RunView, TableView

ALTS = {
    "accuracy_by_round": "Line chart of test accuracy against rounds; the table below holds the same numbers.",
    "accuracy_over_time": "Line chart of test accuracy against simulated time.",
    "timeline": "Gantt chart of what each client and the server did in the first rounds.",
    "rejections": "Bar chart of rejected messages by reason and by kind of sender.",
    "weights": "Heat map of each client's weight in the aggregate of each round.",
    "staleness": "Bar chart of accepted updates by how many versions they were behind.",
    "confidence": "Line chart of the confidence with which the attacked inputs are misclassified, against rounds.",
    "malicious_index": "Line chart of how much the defense holds against each client, by round.",
    "membership_roc": "ROC curves of membership inference, one chart for each attack.",
    "membership_auc": "Line charts of the area under those curves against rounds.",
    "table": "Heat map of the table that follows as text:",
    "panels_by_round": "Line charts of test accuracy against rounds, one chart for each column of the table.",
    "panels_over_time": "Line charts of test accuracy against simulated time, one chart for each column of the table.",
}


@dataclass(frozen=True)
class Picture:
    """One figure: the stem of its file name, the text that stands in for it, and its PNG."""

    name: str
    alt: str
    png: bytes

    @property
    def base64(self) -> str:
        """The PNG for a `data:` address."""
        return b64encode(self.png).decode()


def run_pictures(run: RunView) -> dict[str, Picture]:
    """The figures of one run by name: those that have something to show."""
    drawn = {
        "accuracy_by_round": accuracy_figure([run], against="round"),
        "accuracy_over_time": accuracy_figure([run], against="time"),
        "confidence": confidence_figure([run]),
        "timeline": timeline_figure(run),
        "staleness": staleness_figure(run),
        "rejections": rejections_figure(run),
        "weights": weights_figure(run),
        "malicious_index": malicious_index_figure(run),
        "membership_roc": roc_figure([run]),
        "membership_auc": auc_figure([run]),
    }
    return {name: Picture(name, ALTS[name], png(figure)) for name, figure in drawn.items() if figure is not None}


def table_pictures(number: int, table: TableView, runs: Sequence[RunView]) -> dict[str, Picture]:
    """The figures of the `number`-th table of a sweep by name: its numbers, and what its runs have to show."""
    own = [run for run in runs if run.table == table.title]
    drawn = {
        "table": table_figure(table),
        "panels_by_round": panels_figure(own, against="round"),
        "panels_over_time": panels_figure(own, against="time"),
        "confidence": confidence_figure(own),
        "membership_roc": roc_figure(own),
        "membership_auc": auc_figure(own),
    }
    return {
        name: Picture(f"{name}_{number}", f"{ALTS[name]} {table.title}.", png(figure))
        for name, figure in drawn.items()
        if figure is not None
    }
