"""What the figures say; how they look was judged by eye."""

import subprocess
import sys
from dataclasses import replace
from math import nan

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from fedprop.report import TableView
from fedprop.report.figures import (
    accuracy_figure,
    auc_figure,
    diversity_figure,
    malicious_index_figure,
    numbers_figure,
    panels_figure,
    png,
    rejections_figure,
    roc_figure,
    staleness_figure,
    table_figure,
    timeline_figure,
    weights_figure,
)
from fedprop.report.figures.curves import BROKEN_OFF, line_styles
from fedprop.report.figures.style import COMPROMISED
from fedprop.report.run import Failure
from fedprop.simulation.events import Event, EventKind


def words(figure) -> str:
    """All the text on a figure."""
    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def overlaps(figure) -> bool:
    """Whether the legend covers an axes, or the figure cuts it."""
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    return any(box.overlaps(axes.get_window_extent()) for axes in figure.axes) or not (
        figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0
    )


def test_one_run_is_one_line_named_by_the_title(run):
    figure = accuracy_figure([run])
    assert list(figure.axes[0].lines[0].get_ydata()) == [r.accuracy for r in run.rounds if r.accuracy is not None]
    assert not figure.legends
    assert run.label in words(figure)
    assert f"{run.rounds[-1].accuracy:.3f}" in words(figure)
    assert figure.axes[0].get_xlabel() == "round"
    assert figure.axes[0].get_ylabel() == "test accuracy"


@pytest.mark.parametrize(("lowest", "ticks"), [(0.85, ["0.80", "0.85"]), (0.5, ["0.5", "0.6"]), (0.49, ["0.0", "0.2"])])
def test_the_axis_of_accuracies_begins_where_it_leaves_all_curves_on_it(make_run, lowest, ticks):
    run = make_run(rounds=3)
    rounds = [replace(record, accuracy=lowest + 0.01 * i) for i, record in enumerate(run.rounds)]
    figure = accuracy_figure([replace(run, rounds=rounds)])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_ylim()[0] == float(ticks[0])
    shown = [label.get_text() for label in axes.get_yticklabels() if float(ticks[0]) <= label.get_position()[1] < 1.01]
    assert (shown[:2], shown[-1][:1]) == (ticks, "1")


def test_the_time_axis_has_a_unit(run):
    figure = accuracy_figure([run], against="time")
    assert figure.axes[0].get_xlabel() == "simulated time (min)"
    assert figure.axes[0].lines[0].get_xdata()[-1] == pytest.approx(run.rounds[-1].time / 60)


def test_several_runs_are_named_in_the_order_in_which_they_end(make_run):
    runs = [make_run(name, ceiling=ceiling) for name, ceiling in (("low", 0.3), ("high", 0.9), ("middle", 0.6))]
    figure = accuracy_figure(runs)
    assert [text.split()[0] for text in legend(figure)] == ["high", "middle", "low"]
    assert not overlaps(figure)


def test_trials_of_one_label_share_a_colour_and_a_name(make_run):
    runs = [make_run("a", seed=1), make_run("a", seed=2), make_run("b", seed=3)]
    figure = accuracy_figure(runs)
    colors = [line.get_color() for line in figure.axes[0].lines]
    assert colors[0] == colors[1] != colors[2]
    assert len(legend(figure)) == 2


def test_more_runs_than_colours_differ_in_their_dashes():
    looks = line_styles(str(i) for i in range(20)).values()
    assert len({str(look) for look in looks}) == 20


def exploded(run, start=5):
    """The run with a model that answers with no numbers from a round on, and so always with the first class."""
    late = [replace(r, loss=nan, accuracy=None if r.accuracy is None else 0.1) for r in run.rounds if r.round >= start]
    return replace(run, rounds=[*(r for r in run.rounds if r.round < start), *late])


def test_a_curve_ends_with_a_cross_where_the_model_answers_with_no_numbers(run):
    figure = accuracy_figure([exploded(run)])
    curve, cross = figure.axes[0].lines
    assert list(curve.get_xdata()) == [r.round for r in run.rounds if r.accuracy is not None and r.round < 5]
    assert [*cross.get_xdata(), *cross.get_ydata()] == [curve.get_xdata()[-1], curve.get_ydata()[-1]]
    assert "0.1" not in words(figure).split()
    assert BROKEN_OFF in words(figure)


def test_numbers_that_come_back_break_nothing_off(run):
    rounds = [replace(r, loss=nan) if r.round == 3 else r for r in run.rounds]
    assert len(accuracy_figure([replace(run, rounds=rounds)]).axes[0].lines) == 1


def test_a_run_that_breaks_off_has_no_final_accuracy(make_run):
    figure = accuracy_figure(
        [make_run("low", ceiling=0.3), exploded(make_run("high")), make_run("mean"), exploded(make_run("mean"))]
    )
    [mean, low, high, cross] = legend(figure)
    assert (mean, high, cross) == (f"mean  {make_run().rounds[-1].accuracy:.2f}", "high  none", BROKEN_OFF)
    assert low.startswith("low  0.")


def test_all_panels_share_one_word_on_curves_that_break_off(make_run):
    cells = [("Krum", "none"), ("RFA", "none"), ("Krum", "flip")]
    runs = [exploded(replace(make_run(), row=row, column=column)) for row, column in cells]
    figure = panels_figure([*runs, replace(make_run(), row="RFA", column="flip")], against="round")
    assert [len(axes.lines) for axes in figure.axes] == [4, 3]
    assert sorted(legend(figure)) == ["Krum", "RFA", BROKEN_OFF]


def test_a_run_without_numbers_from_the_beginning_on_has_no_curve(make_run):
    runs = [replace(exploded(make_run(), 0), row="a", column="x"), replace(make_run(), row="b", column="x")]
    assert accuracy_figure(runs[:1]) is None
    assert png(panels_figure(runs, against="time"))


@pytest.mark.parametrize("against", ["round", "time"])
def test_a_panel_for_each_column_and_one_colour_for_each_row(make_run, against):
    cells = [("Krum", "none"), ("RFA", "none"), ("RFA", "flip"), ("Krum", "gaussian"), ("Krum", "none")]
    figure = panels_figure([replace(make_run(), row=row, column=column) for row, column in cells], against=against)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["none", "flip", "gaussian"]
    assert figure.axes[0].lines[1].get_color() == figure.axes[1].lines[0].get_color()
    assert [len(axes.lines) for axes in figure.axes] == [3, 1, 1]
    assert legend(figure) == ["Krum", "RFA"]
    assert all(axes.xaxis.get_tick_params()["labelbottom"] for axes in figure.axes)
    assert not overlaps(figure)


def test_panels_of_runs_of_different_lengths_show_all_of_the_longest(make_run):
    runs = [replace(make_run(rounds=rounds), row="x", column=str(rounds)) for rounds in (3, 30)]
    figure = panels_figure(runs, against="round")
    assert {axes.get_xlim()[1] >= 30 for axes in figure.axes} == {True}


def test_the_timeline_has_a_row_for_the_server_and_for_each_client(run):
    figure = timeline_figure(run)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["server", *(f"client {i}" for i in range(6)), "compromised 6", "compromised 7"]
    colors = [to_hex(label.get_color()).upper() for label in figure.axes[0].get_yticklabels()]
    assert [color == COMPROMISED for color in colors] == [False] * 7 + [True] * 2
    assert {"training", "waiting", "rejected", "timed out", "dropped", "lost", "aggregation"} <= set(legend(figure))
    assert not overlaps(figure)


def test_the_legend_of_the_timeline_explains_what_is_there(run):
    assert "failed round" in legend(timeline_figure(run))
    sound = [event for event in run.events if event.kind not in (EventKind.ROUND_FAILED, EventKind.REJECTED)]
    assert {"failed round", "rejected"}.isdisjoint(legend(timeline_figure(replace(run, events=sound))))
    waiting = [event for event in sound if event.kind in (EventKind.INVITED, EventKind.RECEIVED)]
    assert "communication up" not in legend(timeline_figure(replace(run, events=waiting)))


def test_the_timeline_says_what_it_leaves_out(make_run):
    figure = timeline_figure(make_run(clients=50, rounds=12))
    assert "first 6 of 12 rounds; 30 of 50 clients" in words(figure)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names) == 31
    assert sum(name.startswith("compromised") for name in names) == 6


def test_a_short_run_is_shown_whole(make_run):
    assert "first" not in words(timeline_figure(make_run(rounds=2)))


def test_rejections_are_bars_by_side(run):
    figure = rejections_figure(run)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert set(names) == {"late", "duplicate", "non-finite"}
    assert legend(figure) == ["honest", "compromised"]
    assert sum(bar.get_width() for bar in figure.axes[0].patches) == sum(
        event.kind is EventKind.REJECTED for event in run.events
    )
    assert not overlaps(figure)


def test_many_reasons_are_gathered(run):
    events = [Event(i, float(i), EventKind.REJECTED, 1, 0, 0, i, detail=f"reason {i}") for i in range(40)]
    figure = rejections_figure(replace(run, events=events))
    assert len(figure.axes[0].get_yticklabels()) == 12
    assert "29 other reasons" in words(figure)
    assert "40 in all" in words(figure)


def test_staleness_is_a_distribution(async_run):
    figure = staleness_figure(async_run)
    accepted = sum(event.kind is EventKind.ACCEPTED for event in async_run.events)
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == accepted
    assert not overlaps(figure)


def test_weights_stand_at_their_client_and_round(run):
    figure = weights_figure(run)
    grid = figure.axes[0].images[0].get_array()
    assert grid.shape == (8, 9)
    for record in run.rounds:
        for client in range(8):
            shown = grid[client, record.round - 1]
            assert shown == record.weights[client] if client in record.weights else shown.mask
    total = sum(sum(record.weights.values()) for record in run.rounds)
    theirs = sum(record.weights.get(client, 0.0) for record in run.rounds for client in run.compromised)
    assert f"{theirs / total:.0%} of all weight" in words(figure)


def test_many_clients_are_named_by_side(make_run):
    figure = weights_figure(make_run(clients=50, rounds=3))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["40 honest", "10 compromised"]


def test_weights_without_an_adversary_have_no_verdict(run):
    figure = weights_figure(replace(run, compromised=frozenset()))
    assert "of all weight" not in words(figure)


def test_a_table_shows_both_numbers_and_frames_what_differs(table):
    figure = table_figure(table)
    text = words(figure)
    for part in ("0.12 ± 0.03", "paper 0.11", "0.40", "paper 0.75", "–", "Fang et al. 2020, Table 2", "blue frame"):
        assert part in text
    frames = [p for p in figure.axes[0].patches if isinstance(p, Rectangle) and not p.get_fill()]
    assert len(frames) == 1


def test_notes_below_a_table_stay_on_its_figure(table):
    marked = replace(table, marks=dict.fromkeys(table.ours, "†°"), source="A paper with a long name, 2020, " * 4)
    figure = table_figure(marked)
    figure.draw_without_rendering()
    assert figure.axes[0].xaxis.label.get_window_extent().x1 <= figure.bbox.x1
    assert figure.axes[0].get_xlabel().count("\n") >= 2


def test_a_table_without_numbers_is_drawn():
    empty = TableView("T", ("r",), ("c",), {}, {}, "")
    assert "–" in words(table_figure(empty))
    assert png(table_figure(empty))


def test_where_there_is_nothing_to_draw_there_is_no_figure(run):
    empty = replace(run, rounds=[], events=[])
    for figure in (accuracy_figure, auc_figure, numbers_figure, panels_figure, roc_figure):
        arguments = {"against": "round"} if figure is panels_figure else {}
        assert figure([empty], **arguments) is None
        assert figure([], **arguments) is None
    for figure in (malicious_index_figure, rejections_figure, staleness_figure, timeline_figure, weights_figure):
        assert figure(empty) is None


def test_a_single_measurement_is_a_number_and_no_curve(make_run):
    once = make_run(rounds=1)
    assert accuracy_figure([once]) is None
    assert panels_figure([once], against="time") is None
    assert accuracy_figure([make_run(rounds=2)]) is not None


def test_panels_of_which_one_has_a_curve_are_drawn(make_run):
    runs = [replace(make_run(rounds=rounds), row="x", column=str(rounds)) for rounds in (1, 3)]
    assert len(panels_figure(runs, against="round").axes) == 2


def test_a_run_that_takes_no_simulated_time_is_drawn(run):
    events = [event._replace(time=0.0) for event in run.events]
    instant = replace(run, events=events, rounds=[replace(r, time=0.0) for r in run.rounds])
    assert "training" in legend(timeline_figure(instant))
    assert png(timeline_figure(instant))
    assert png(accuracy_figure([instant], against="time"))


def test_a_run_of_one_round_is_drawn(make_run):
    short = make_run(rounds=1)
    for figure in (timeline_figure(short), weights_figure(short)):
        assert png(figure)


def test_pyplot_is_never_used():
    """In a process of its own, since metrics of pictures import it for whoever calls them."""
    drawn = "from fedprop.report.figures import *; from fedprop.report.figures.style import new_figure"
    code = f"import sys; {drawn}; png(new_figure(1, 1)); sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_failed_cell_is_no_number_in_a_table(table):
    failed = replace(table, ours={}, failures={(table.rows[0], table.columns[0]): (Failure("seed 0", "no memory"),)})
    assert "failed" in words(table_figure(failed)).splitlines()
    half = replace(failed, ours={(table.rows[0], table.columns[0]): (0.25,)})
    assert "0.25\n(1 of 2 failed)" in words(table_figure(half))


def test_a_dollar_sign_is_no_formula(table):
    assert png(table_figure(replace(table, title=r"$\frac$", value=r"$\frac$")))


def dealt(run, partition, load, label, clients=9):
    """The run with a partition, and what was found of it class by class."""
    parts = {name: dict(zip("012", values, strict=True)) for name, values in (("load", load), ("label", label))}
    numbers = {f"{name}_diversity": {"parts": found} for name, found in parts.items()}
    config = {**run.config, "clients": clients, "data": {"kind": "digits"}}
    return replace(run, config=config, summary={**run.summary, "numbers": numbers, "partition": partition})


def test_the_diversities_are_a_point_for_each_class_in_one_colour_for_each_partition(run):
    assert diversity_figure([run]) is None
    alone = dealt(run, "dirichlet q=0.5", [3.0, 1.0, 2.0], [0.1, 0.2, 0.0])
    figure = diversity_figure([alone, alone])
    (drawn,) = figure.axes[0].collections
    assert drawn.get_offsets().tolist() == [[0.0, 2.0], [0.1, 3.0], [0.2, 1.0]]
    assert "dirichlet q=0.5: a point for each class" in words(figure)
    even, more = dealt(run, "iid", [1.0] * 3, [0.0] * 3), dealt(run, "iid", [2.0] * 3, [0.0] * 3, clients=5)
    assert legend(diversity_figure([alone, even, run])) == ["dirichlet q=0.5", "iid"]
    assert legend(diversity_figure([even, more])) == ["iid, 9 clients", "iid, 5 clients"]
    assert not overlaps(diversity_figure([alone, even]))
