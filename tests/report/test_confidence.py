"""How far targeted attacks came, in figures and pages."""

from dataclasses import replace

import pytest

from fedprop.report import write_run_report, write_sweep_report
from fedprop.report.figures import confidence_figure


@pytest.fixture
def attacked(run):
    """A run with an attack that is measured in every other round."""
    levels = {record.round: record.round / 20 for record in run.rounds if record.round % 2}
    return replace(run, rounds=[replace(record, confidence=levels.get(record.round)) for record in run.rounds])


def test_each_run_is_a_line_and_trials_share_a_name(attacked):
    figure = confidence_figure([attacked, attacked, replace(attacked, label="another")])
    [axes] = figure.axes
    measured = [record for record in attacked.rounds if record.confidence is not None]
    assert len(axes.lines) == 3
    assert list(axes.lines[0].get_xdata()) == [record.round for record in measured]
    assert list(axes.lines[0].get_ydata()) == [record.confidence for record in measured]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [attacked.label, "another"]
    assert axes.lines[0].get_color() == axes.lines[1].get_color() != axes.lines[2].get_color()


def test_pages_show_it_where_it_was_measured(run, attacked, table, tmp_path):
    heading = "Targeted attack</h"
    assert heading in write_run_report(attacked, tmp_path / "attacked").read_text(encoding="utf-8")
    assert heading not in write_run_report(run, tmp_path / "run").read_text(encoding="utf-8")
    member = replace(attacked, table=table.title, row="Krum", column="no attack")
    page = write_sweep_report("S", [table, replace(table, title="Other")], [member], tmp_path / "sweep")
    assert page.read_text(encoding="utf-8").count(heading) == 1
    assert {path.name for path in page.parent.glob("confidence*")} == {"confidence_1.png"}
