"""The report as one HTML page that needs nothing beside it."""

from pathlib import Path
from typing import Any

from fedprop.report.html import write_page as write_html
from fedprop.verify.pages.findings import Outcome, Report
from fedprop.verify.pages.render import limit_in_words, matrix, summary


def write_page(report: Report, path: Path) -> Path:
    """Write the page: every claim in a table, every counterexample with its rows, a plot where d <= 2, and its code.

    Raises
    ------
    StoreError
        If the place cannot be written to.
    """
    from fedprop.report.figures import peaks_figure, png
    from fedprop.report.picture import Drawn

    alt = "Dots for the worst coefficient found against the number of rows, lines for the proved one."
    peaks = Drawn("peaks", alt, png(peaks_figure(report.search))) if report.search else None
    return write_html(
        path,
        "verify.html.j2",
        report=report,
        summary=summary(report),
        broken=_shown(report, fails=True),
        untrue=_shown(report, fails=False),
        limits=[limit_in_words(limit) for limit in report.limits],
        peaks=peaks,
    )


def _shown(report: Report, *, fails: bool) -> list[tuple[Outcome, Any, list[str]]]:
    """The outcomes with a counterexample that decide, or do not, each with its plot and its matrix."""
    found = [o for o in report.outcomes if o.counterexample is not None and o.fails == fails]
    return [(o, _picture(o), matrix(o.counterexample)) for o in found if o.counterexample is not None]


def _picture(outcome: Outcome) -> Any:
    """The plot of a counterexample in one or two dimensions; None for others, and where there is no place to plot."""
    from fedprop.report.figures import counterexample_figure, png
    from fedprop.report.picture import Drawn

    shown = outcome.counterexample
    d = len(shown.rows[0]) if shown is not None and shown.rows else 0
    if shown is None or d not in (1, 2) or not all(_point(list(row), d) for row in shown.rows):
        return None
    figure = counterexample_figure(
        f"{outcome.name}: {len(shown.rows)} rows" + ("" if shown.f is None else f", f = {shown.f}"),
        shown.rows,
        byzantine=shown.byzantine,
        server=shown.server,
        expected=_point(shown.expected, d),
        actual=_point(shown.actual, d),
    )
    return Drawn(f"counterexample-{outcome.name}", f"The rows that break {outcome.name}, and the answers.", png(figure))


def _point(answer: Any, d: int) -> list[float] | None:
    """An answer or a row that is a finite vector of this length; None for another."""
    fits = (
        isinstance(answer, list) and len(answer) == d and all(isinstance(v, float) and abs(v) < 1e300 for v in answer)
    )
    return answer if fits else None
