import io

import pytest
from rich.console import Console

from fedprop.cli import progress
from fedprop.cli.progress import LiveProgress, Pace, SweepProgress, outcome_of
from fedprop.simulation.events import Event, EventKind, RoundRecord


def event(kind, value=None):
    return Event(seq=0, time=1.0, kind=kind, round=0, version=0, value=value)


def shown(*events, epsilon=None):
    """What a terminal shows after these events and one round."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    with LiveProgress(console, rounds=5) as progress:
        for one in events:
            progress.on_event(one)
        progress.on_round(RoundRecord(0, 1, 90.0, 0.1, accepted=2, rejected=1, epsilon=epsilon or {}), None)
        progress._progress.refresh()
    return screen.getvalue()


def seen(do):
    """What a terminal shows after something was done to a watcher of a run of five rounds."""
    screen = io.StringIO()
    with LiveProgress(Console(file=screen, force_terminal=True, width=160, color_system=None), rounds=5) as watcher:
        do(watcher)
        screen.truncate(0)
        watcher._progress.refresh()
    return screen.getvalue()


def test_a_line_says_where_the_run_is():
    text = shown(
        event(EventKind.ACCEPTED),
        event(EventKind.REJECTED),
        event(EventKind.ACCEPTED),
        event(EventKind.EVALUATED, 0.875),
    )
    assert "round 1/5" in text
    assert "accuracy 0.875" in text
    assert "rejected 1" in text
    assert "clients/s" in text


def test_before_the_first_evaluation_there_is_no_accuracy():
    assert "accuracy –" in shown()
    assert "accuracy –" in shown(event(EventKind.EVALUATED, None))


def test_a_log_file_gets_no_line():
    screen = io.StringIO()
    with LiveProgress(Console(file=screen), rounds=5) as progress:
        progress.on_event(event(EventKind.ACCEPTED))
    assert "round" not in screen.getvalue()


def test_the_largest_epsilon_is_shown_where_there_is_one():
    assert "epsilon 2.50 ·" in shown(epsilon={0: 1.0, 4: 2.5})
    assert "epsilon" not in shown()


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    reading = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: reading[0])
    return reading


def test_the_time_left_follows_from_the_time_taken(clock):
    pace = Pace(10)
    assert pace.left == ""
    clock[0] += 20
    pace.done(1)
    assert pace.left == "about 3 min left"
    pace.done(10)
    assert pace.left == ""


def test_what_was_done_before_took_no_time(clock):
    resumed = Pace(10)
    clock[0] += 20
    resumed.done(9)
    assert resumed.left == "about 20 s left"


def test_a_run_shows_the_time_left(clock):
    def on_round(watcher):
        clock[0] += 60
        watcher.on_round(RoundRecord(0, 1, 90.0, 0.1, accepted=2, rejected=1), None)

    assert "about 4 min left" in seen(on_round)


def test_a_run_shows_what_takes_long():
    def busy(watcher):
        watcher.on_activity("attack fang_krum works on 4 updates")

    assert "attack fang_krum works on 4 updates" in seen(busy)
    assert "fang_krum" not in seen(lambda watcher: (busy(watcher), watcher.on_activity("")))


def test_a_sweep_says_how_many_cells_have_ended_and_when_all_will_have(clock):
    screen = io.StringIO()
    with SweepProgress(Console(file=screen, width=200), 60) as watcher:
        watcher.on_kept("Mean, Nobody, seed 0", "test error 0.250")
        clock[0] += 4
        watcher.on_cell("Mean, Flip, seed 0", "failed: [no] memory")
    assert screen.getvalue().splitlines() == [
        "1 of 60: Mean, Nobody, seed 0: test error 0.250 (kept)",
        "2 of 60, about 4 min left: Mean, Flip, seed 0: failed: [no] memory",
    ]


def test_how_a_cell_ended():
    summary = {"test_error": 0.25, "rounds": 60, "failed_rounds": 0, "failed_attacks": 0}
    assert outcome_of(summary, "") == "test error 0.250"
    assert outcome_of({**summary, "failed_rounds": 3}, "") == "test error 0.250, 3 of 60 rounds failed"
    assert outcome_of({**summary, "failed_attacks": 2}, "") == "test error 0.250, 2 failed attacks"
    assert outcome_of({}, "no memory") == "failed: no memory"
