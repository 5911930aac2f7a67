import io

from rich.console import Console

from fedprop.progress import LiveProgress
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
