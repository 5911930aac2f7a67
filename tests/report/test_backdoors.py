"""What a report shows of a backdoor: its success in large print, its pictures, accuracy by class as lines."""

from dataclasses import replace

import pytest

from fedprop.metrics import Reading
from fedprop.report.figures import aims_figure, parts_figure
from fedprop.report.html import cards

SQUARE, MARKED = [[[0.0, 0.5], [0.25, 0.0]]], [[[0.0, 0.5], [0.25, 1.0]]]
TOLD = {"attack": "backdoor", "inputs": [MARKED] * 3, "wanted": [5] * 3, "before": [SQUARE] * 3, "labels": [1, 2, 3]}


def test_each_input_stands_above_the_one_it_is_made_of(run):
    figure = aims_figure(replace(run, aims={"0": TOLD}))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["backdoor: to be 5"] * 3 + ["as it was: 1", "as it was: 2", "as it was: 3"]
    shown = [axes.images[0].get_array().tolist() for axes in figure.axes]
    assert shown[0] == [[0.0, 0.5], [0.25, 1.0]]
    assert shown[3] == [[0.0, 0.5], [0.25, 0.0]]


def test_colours_are_stretched_alike_in_all_pictures(run):
    rgb = [[[-1.0, 3.0]], [[1.0, -1.0]], [[0.0, 0.0]]]
    told = {"attack": "backdoor", "inputs": [rgb], "wanted": [0], "before": [rgb], "labels": [1]}
    figure = aims_figure(replace(run, aims={"0": told, "2": TOLD}))
    assert len(figure.axes) == 4 * 3
    assert figure.axes[0].images[0].get_array().tolist() == [[[0.0, 0.5, 0.25], [1.0, 0.0, 0.25]]]


def with_classes(run, parts):
    rounds = [
        replace(record, numbers={"per_class_accuracy": Reading(0.5, parts(record.round))}) for record in run.rounds
    ]
    return replace(run, rounds=rounds)


def test_accuracy_by_class_is_a_line_for_each_class(run):
    figure = parts_figure(with_classes(run, lambda number: {0: 0.5, 3: number / 100, 4: None}))
    [axes] = figure.axes
    assert axes.get_title(loc="left") == "Accuracy by class"
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert set(lines) == {"class 0", "class 3"}
    assert lines["class 3"] == pytest.approx([record.round / 100 for record in run.rounds])


def test_without_anything_to_show_there_is_no_picture(run):
    assert aims_figure(run) is None
    assert parts_figure(run) is None


def test_the_success_of_an_attack_is_a_card(run):
    told = {"attack_success_rate": {"label": "attack success rate", "value": 0.9871, "text": "0.9871"}}
    told |= {"f1": {"label": "F1", "value": 0.5, "text": "0.5000"}}
    found = cards(replace(run, summary=run.summary | {"numbers": told}))
    assert found["attack success rate"] == ("0.987", "")
    assert "F1" not in found
