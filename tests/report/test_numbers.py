"""Numbers by round, in figures and pages."""

from dataclasses import replace

import pytest

from fedprop.metrics import Reading
from fedprop.report import write_run_report, write_sweep_report
from fedprop.report.figures import numbers_figure

KIND = "misclassification_confidence"


@pytest.fixture
def attacked(run):
    """A run with an attack that is measured in every other round."""
    readings = [{KIND: Reading(record.round / 20)} if record.round % 2 else {} for record in run.rounds]
    bare = [replace(record, weights={}) for record in run.rounds]
    return replace(run, rounds=[replace(r, numbers=found) for r, found in zip(bare, readings, strict=True)])


def test_each_run_is_a_line_and_trials_share_a_name(attacked):
    figure = numbers_figure([attacked, attacked, replace(attacked, label="another")])
    [axes] = figure.axes
    assert axes.get_title(loc="left") == "Misclassification confidence"
    measured = [record for record in attacked.rounds if record.numbers]
    assert len(axes.lines) == 3
    assert list(axes.lines[0].get_xdata()) == [record.round for record in measured]
    assert list(axes.lines[0].get_ydata()) == [record.numbers[KIND].value for record in measured]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [attacked.label, "another"]
    assert axes.lines[0].get_color() == axes.lines[1].get_color() != axes.lines[2].get_color()


def test_pages_show_it_where_it_was_measured(run, attacked, table, tmp_path):
    heading = "Numbers</h"
    assert heading in write_run_report(attacked, tmp_path / "attacked").read_text(encoding="utf-8")
    plain = replace(run, rounds=[replace(record, weights={}) for record in run.rounds])
    assert heading not in write_run_report(plain, tmp_path / "run").read_text(encoding="utf-8")
    member = replace(attacked, table=table.title, row="Krum", column="no attack")
    page = write_sweep_report("S", [table, replace(table, title="Other")], [member], tmp_path / "sweep")
    assert page.read_text(encoding="utf-8").count(heading) == 1
    assert {path.name for path in page.parent.glob("numbers*")} == {"numbers_by_round_1.png"}
