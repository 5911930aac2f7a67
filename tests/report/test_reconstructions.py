"""What a report shows of attacks that reconstruct examples."""

from dataclasses import replace

import pytest
import torch

from fedprop.privacy import Finding
from fedprop.privacy.leakage.judging import Bounds, judge
from fedprop.privacy.leakage.kept import kept_of, pairs_of
from fedprop.report.figures import PICTURES
from fedprop.report.figures.reconstructions import ACROSS

(PICTURE,) = [picture for picture in PICTURES if picture.name == "reconstructions"]


def finding(attack="dlg", error=0.1, count=2, shape=(1, 6, 6), client=0):
    """Of flat pictures, of which the first comes out worse."""
    originals = torch.linspace(2, 4, count).reshape(count, *[1] * len(shape)).expand(count, *shape)
    errors = torch.tensor([2 * error, *[error] * (count - 1)]).reshape(count, *[1] * len(shape))
    kept = kept_of(judge(originals, originals + errors, Bounds(0, 10)), 9, Bounds(0, 10))
    return Finding(attack, client, attack, {"psnr": 20.0, **kept})


def attacked(run, *findings):
    return replace(run, rounds=[*run.rounds[:-1], replace(run.rounds[-1], findings=findings)])


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_what_is_kept_comes_back_best_first_and_between_0_and_1():
    best, worst = pairs_of(finding())
    assert best.original.allclose(torch.full((1, 6, 6), 0.4))
    assert best.reconstruction.allclose(torch.full((1, 6, 6), 0.41))
    assert (round(best.psnr), round(worst.psnr)) == (40, 34)
    assert pairs_of(Finding("membership", None, "threshold", {"auc": 0.5, "fpr": (0.0,)})) == []


def test_each_original_stands_above_its_reconstruction(run):
    figure = PICTURE.of_run(attacked(run, finding(), finding("inverting_gradients", count=1)))
    above, below = figure.axes[:3], figure.axes[3:]
    assert [axes.get_title() for axes in above] == ["dlg", "dlg", "inverting gradients"]
    assert [words(axes)[0] for axes in below] == ["40.0 dB", "34.0 dB", "34.0 dB"]
    assert words(above[0]) == ["original"]
    shown = [float(axes.images[0].get_array()[0, 0]) for axes in (above[0], below[0])]
    assert shown == pytest.approx([0.4, 0.41])


def test_many_begin_a_new_line(run):
    figure = PICTURE.of_run(attacked(run, finding(count=ACROSS + 1)))
    shown = [bool(axes.images) for axes in figure.axes]
    assert shown == [True] * (2 * ACROSS) + ([True] + [False] * (ACROSS - 1)) * 2


def test_a_table_shows_the_best_of_each_run(run):
    runs = [replace(attacked(run, finding(error=e)), row=row, column="all") for row, e in (("none", 0.1), ("noise", 9))]
    figure = PICTURE.of_table(None, runs)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["none", "noise"]
    runs.append(replace(attacked(run, finding("idlg"), finding("dlg")), row="none", column="other"))
    figure = PICTURE.of_table(None, runs)
    titles = [axes.get_title() for axes in figure.axes[:4]]
    assert titles == ["none\nall", "noise\nall", "none\nother\nidlg", "none\nother\ndlg"]


def test_what_is_no_picture_is_not_drawn(run):
    assert PICTURE.of_run(run) is None
    assert PICTURE.of_run(attacked(run, finding(shape=(5,)), finding(shape=(2, 6, 6)))) is None
