"""The figures of a report, one file each; this package is imported only when something is drawn.

Every function takes a view and returns a matplotlib `Figure`, made through the object API: no pyplot, no global state.
A picture of a page is one file, with its `Picture` at the end, and one line in `PICTURES`.
"""

from fedprop.report.figures import (
    accuracy,
    aims,
    diversity,
    malicious_index,
    membership,
    numbers,
    panels,
    parts,
    reconstructions,
    rejections,
    staleness,
    table,
    timeline,
    weights,
)
from fedprop.report.figures.accuracy import accuracy_figure
from fedprop.report.figures.aims import aims_figure
from fedprop.report.figures.counterexample import counterexample_figure
from fedprop.report.figures.diversity import diversity_figure
from fedprop.report.figures.malicious_index import malicious_index_figure
from fedprop.report.figures.membership import auc_figure, roc_figure
from fedprop.report.figures.numbers import numbers_figure
from fedprop.report.figures.panels import panels_figure
from fedprop.report.figures.parts import parts_figure
from fedprop.report.figures.peaks import peaks_figure
from fedprop.report.figures.rejections import rejections_figure
from fedprop.report.figures.staleness import staleness_figure
from fedprop.report.figures.style import png
from fedprop.report.figures.table import table_figure
from fedprop.report.figures.timeline import timeline_figure
from fedprop.report.figures.weights import weights_figure
from fedprop.report.picture import Picture

PICTURES: tuple[Picture, ...] = (
    table.PICTURE,
    panels.BY_ROUND,
    panels.OVER_TIME,
    accuracy.BY_ROUND,
    accuracy.OVER_TIME,
    numbers.PICTURE,
    parts.PICTURE,
    diversity.PICTURE,
    aims.PICTURE,
    timeline.PICTURE,
    staleness.PICTURE,
    rejections.PICTURE,
    weights.PICTURE,
    malicious_index.PICTURE,
    membership.ROC,
    membership.AREAS,
    reconstructions.PICTURE,
)
"""Every picture of a page, in the order in which a section shows them."""

__all__ = [
    "PICTURES",
    "accuracy_figure",
    "aims_figure",
    "auc_figure",
    "counterexample_figure",
    "diversity_figure",
    "malicious_index_figure",
    "numbers_figure",
    "panels_figure",
    "parts_figure",
    "peaks_figure",
    "png",
    "rejections_figure",
    "roc_figure",
    "staleness_figure",
    "table_figure",
    "timeline_figure",
    "weights_figure",
]
