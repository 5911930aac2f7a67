"""A target that hangs is interrupted wherever it is, and the process goes on as if nothing had been."""

import contextlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from fedprop.verify.hunting import patience
from fedprop.verify.hunting.claim import EndsPython, TooSlow, contained
from fedprop.verify.hunting.patience import time_limit


@pytest.fixture(autouse=True)
def hardly_any_patience(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 0.05)
    monkeypatch.setattr(patience, "AGAIN", 0.05)


def hangs():
    while True:
        pass


def swallows():
    for _ in range(2):
        with contextlib.suppress(BaseException):
            hangs()
    hangs()


def takes_it_for_its_own():
    try:
        hangs()
    except Exception as error:
        raise AssertionError from error


def limited(target):
    with pytest.raises(TooSlow, match=r"no answer within 0\.05 seconds"), time_limit():
        target()


TARGETS = (hangs, swallows, takes_it_for_its_own)


@pytest.mark.parametrize("target", [*TARGETS, lambda: time.sleep(60), lambda: threading.Event().wait(60)])
def test_what_hangs_is_interrupted(target):
    limited(target)


@pytest.mark.parametrize("target", TARGETS)
def test_so_it_is_in_another_thread(target):
    done = []
    thread = threading.Thread(target=lambda: done.append(limited(target)))
    thread.start()
    thread.join(20)
    assert done == [None]


def test_what_is_over_is_not_interrupted():
    with time_limit(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    before = set(threading.enumerate())
    stop = patience._other_thread(60)
    (watching,) = set(threading.enumerate()) - before
    stop()
    watching.join(20)
    assert not watching.is_alive()


def test_a_timer_of_somebody_else_runs_on():
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 60.0, 7.0)
    try:
        limited(hangs)
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert (59 < left < 60, interval) == (True, 7.0)
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


LAST_RESORT = """
import itertools, sys
from fedprop.verify.hunting import patience

patience.SLACK = 0.1
patience.GRACE = 0.1
patience.LAST_RESORT.watch(60, sys.stderr)
with patience.time_limit(0.2):
    sum(itertools.repeat(1))
"""


def test_code_that_cannot_be_interrupted_is_ended_with_the_process():
    done = subprocess.run([sys.executable, "-c", LAST_RESORT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "line 9 in <module>" in done.stderr


def test_only_a_process_that_asked_for_it_is_ended(monkeypatch):
    monkeypatch.setattr(patience.faulthandler, "dump_traceback_later", lambda *_, **__: pytest.fail("armed"))
    with time_limit(60):
        pass


def test_what_would_end_python_does_not():
    with pytest.raises(EndsPython, match=r"^SystemExit: 3 "), contained():
        sys.exit(3)
    for error in (KeyboardInterrupt, TooSlow, ValueError):
        with pytest.raises(error), contained():
            raise error


TRACED = """
import sys, threading, time
from fedprop.verify.hunting import patience

def in_time():
    with patience.time_limit(60):
        pass

def late():
    try:
        with patience.time_limit(0.05):
            while True:
                pass
    except patience.TooSlow:
        print("late")

for limited in (in_time, late, in_time):
    thread = threading.Thread(target=limited)
    thread.start()
    thread.join()
sys.settrace(lambda *_: None)
in_time()
print("traced")
"""


def test_a_debugger_goes_on_after_limits_in_other_threads():
    """Python 3.11 never ends what it traces while an interruption has been called off rather than met."""
    done = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["late", "traced"]
