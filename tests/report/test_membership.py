"""What a report says of membership inference."""

from dataclasses import replace

import pytest
import torch

from fedprop.privacy import finding_of, infer, inference_of
from fedprop.report import write_run_report, write_sweep_report
from fedprop.report.figures import auc_figure, roc_figure
from fedprop.report.membership import lines

SCORES = {auc: torch.tensor([auc * 9 - 4.5, 1.0, 2.0]) for auc in (0.0, 1.0)}


def finding(client, attack, *, found):
    """One of three members scores above all non-members, or below them."""
    return finding_of(client, attack, infer(SCORES[1.0 if found else 0.0], torch.tensor([0.0, 3.0])))


@pytest.fixture
def attacked(make_run):
    """Makes a run of which every other round was attacked, successfully in the end."""

    def make(label="krum", clients=(None, 2), attacks=("threshold", "logistic_regression")):
        run = make_run(label, rounds=5)

        def attack(record):
            if record.round % 2 == 0:
                return record
            last = record.round == 5
            return replace(record, findings=tuple(finding(c, a, found=last) for c in clients for a in attacks))

        return replace(run, rounds=[attack(record) for record in run.rounds])

    return make


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_there_is_a_line_for_each_model_and_attack(attacked):
    found = lines([attacked()])
    assert [(line.name, line.title) for line in found] == [
        ("global model", "Threshold attack"),
        ("global model", "Logistic regression attack"),
        ("client 2", "Threshold attack"),
        ("client 2", "Logistic regression attack"),
    ]
    assert {line.rounds for line in found} == {(1, 3, 5)}
    assert all(line.inferences[0].auc < line.last.auc for line in found)


@pytest.mark.parametrize(
    ("labels", "clients", "names"),
    [
        (["a"], (None,), {"global model"}),
        (["a", "b"], (None,), {"a", "b"}),
        (["a", "b"], (None, 2), {"a, global model", "a, client 2", "b, global model", "b, client 2"}),
    ],
)
def test_a_line_is_named_by_what_tells_it_apart(attacked, labels, clients, names):
    assert {line.name for line in lines([attacked(label, clients) for label in labels])} == names


def test_a_run_that_nobody_attacked_has_no_line_and_gives_no_name(attacked, run):
    assert lines([run]) == []
    assert {line.name for line in lines([run, attacked("b", (None,))])} == {"global model"}


def test_the_curve_is_that_of_the_last_attack(attacked):
    run = attacked()
    figure = roc_figure([run])
    last = inference_of(run.rounds[-1].findings[0])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Threshold attack", "Logistic regression attack"]
    drawn = figure.axes[0].lines[1]
    assert (tuple(drawn.get_xdata()), tuple(drawn.get_ydata())) == (last.fpr, last.tpr)
    assert figure.axes[0].get_legend().get_texts()[0].get_text() == f"AUC {last.auc:.2f}"
    assert legend(figure) == ["global model", "client 2", "guessing"]


def test_the_area_is_drawn_round_by_round(attacked):
    run = attacked(clients=(None,))
    figure = auc_figure([run])
    drawn = figure.axes[0].lines[1]
    assert list(drawn.get_xdata()) == [1, 3, 5]
    assert list(drawn.get_ydata()) == [record.findings[0].numbers["auc"] for record in run.rounds[::2]]


@pytest.mark.parametrize("draw", [roc_figure, auc_figure])
def test_runs_share_a_panel_and_a_legend_that_covers_nothing(attacked, draw):
    runs = [attacked("without noise", (2,), ("threshold",)), attacked("with noise", (2,), ("threshold",))]
    figure = draw(runs)
    figure.draw_without_rendering()
    assert len(figure.axes) == 1
    assert legend(figure) == ["without noise", "with noise", "guessing"]
    box = figure.legends[0].get_window_extent()
    assert not box.overlaps(figure.axes[0].get_window_extent())
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1


@pytest.mark.parametrize("draw", [roc_figure, auc_figure])
def test_without_an_attack_there_is_no_figure(run, draw):
    assert draw([run]) is None


def test_an_attack_tried_once_has_a_curve_and_no_line(attacked):
    once = attacked()
    last = max(record.round for record in once.rounds if record.findings)
    once = replace(once, rounds=[record for record in once.rounds if record.round == last])
    assert roc_figure([once]) is not None
    assert auc_figure([once]) is None


def test_a_run_page_has_the_figures_and_the_numbers(attacked, tmp_path):
    page = write_run_report(attacked(), tmp_path).read_text(encoding="utf-8")
    assert {"membership_roc.png", "membership_auc.png"} <= {path.name for path in tmp_path.iterdir()}
    assert "<h2>Membership inference</h2>" in page
    last = lines([attacked()])[0].last
    assert f"<td>5</td><td>{last.auc:.3f}</td><td>{last.advantage:.3f}</td>" in page


def test_a_sweep_page_shows_its_runs_in_one_figure(attacked, table, tmp_path):
    run = replace(attacked(), table=table.title, row="Krum", column="no attack")
    page = write_sweep_report("S", [table, replace(table, title="Other")], [run], tmp_path).read_text(encoding="utf-8")
    assert page.count("<h3>Membership inference</h3>") == 1
    assert {path.name for path in tmp_path.glob("membership*")} == {"membership_roc_1.png", "membership_auc_1.png"}
