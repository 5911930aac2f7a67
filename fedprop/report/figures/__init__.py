"""The figures of a report, one file each; this package is imported only when something is drawn.

Every function takes a view and returns a matplotlib `Figure`, made through the object API: no pyplot, no global state.
"""

from fedprop.report.figures.accuracy import accuracy_figure
from fedprop.report.figures.confidence import confidence_figure
from fedprop.report.figures.counterexample import counterexample_figure
from fedprop.report.figures.malicious_index import malicious_index_figure
from fedprop.report.figures.membership import auc_figure, roc_figure
from fedprop.report.figures.panels import panels_figure
from fedprop.report.figures.peaks import peaks_figure
from fedprop.report.figures.rejections import rejections_figure
from fedprop.report.figures.staleness import staleness_figure
from fedprop.report.figures.style import png
from fedprop.report.figures.table import table_figure
from fedprop.report.figures.timeline import timeline_figure
from fedprop.report.figures.weights import weights_figure

__all__ = [
    "accuracy_figure",
    "auc_figure",
    "confidence_figure",
    "counterexample_figure",
    "malicious_index_figure",
    "panels_figure",
    "peaks_figure",
    "png",
    "rejections_figure",
    "roc_figure",
    "staleness_figure",
    "table_figure",
    "timeline_figure",
    "weights_figure",
]
