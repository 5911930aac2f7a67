"""Time limits for what is tried: a target that hangs must not hang the one who asks."""

import ctypes
import faulthandler
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from time import monotonic
from typing import Any, TextIO

from fedprop.verify.hunting.claim import TooSlow

PATIENCE = 20.0
"""Seconds of real time for asking a target about one small input."""

LOADING = 120.0
"""Seconds of real time for importing a target, which may import large packages, and for making it."""

AGAIN = 1.0
"""A target that swallows the interruption is interrupted again after so many seconds, and again."""

GRACE = 20.0
"""Seconds after its limit when a target that no interruption reaches is ended, and the process with it."""

SLACK = 5.0
"""The end of the process is put off no more often than every so many seconds, since that takes a thread each time."""


@contextmanager
def time_limit(seconds: float | None = None) -> Iterator[None]:
    """Interrupt what takes longer than `seconds`, or else than `PATIENCE`.

    In the main thread of a Unix process this reaches Python code and whatever sleeps or waits; in other threads, Python
    code only. Code in C that never looks up is beyond it: see `LastResort`.

    Raises
    ------
    TooSlow
        In the midst of what is run inside; at once if there is no time at all.
    """
    limit = PATIENCE if seconds is None else seconds
    if limit <= 0:
        raise TooSlow("no time is left")
    LAST_RESORT.put_off(limit + GRACE)
    in_main = threading.current_thread() is threading.main_thread()
    stop = (_alarm if in_main and hasattr(signal, "SIGALRM") else _other_thread)(limit)
    try:
        try:
            yield
        finally:
            stop()
    except TooSlow:
        stop()  # the interruption may have come in the midst of the one above
        raise TooSlow(f"no answer within {limit:.3g} seconds") from None


def until(end: float) -> AbstractContextManager[None]:
    """A `time_limit` of `PATIENCE`, or of less if the clock shows `end` before."""
    return time_limit(min(PATIENCE, end - monotonic()))


def _alarm(limit: float) -> Callable[[], None]:
    """Have a signal interrupt this thread; what it gives back stops that, and starts the timer that was set before."""
    started = monotonic()
    before = signal.signal(signal.SIGALRM, _raise)
    left, interval = signal.setitimer(signal.ITIMER_REAL, limit, AGAIN)

    def stop() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (monotonic() - started), 1e-3), interval)

    return stop


def _raise(number: int, frame: Any) -> None:
    raise TooSlow


def _other_thread(limit: float) -> Callable[[], None]:
    """Have another thread interrupt this one; what it gives back stops that."""
    asked, lock, over = ctypes.c_ulong(threading.get_ident()), threading.Lock(), threading.Event()
    raise_there = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch() -> None:
        left = limit
        while not over.wait(left):
            with lock:
                if not over.is_set():
                    raise_there(asked, ctypes.py_object(TooSlow))
            left = AGAIN

    def stop() -> None:
        over.set()
        with lock, suppress(TooSlow):
            _let_in()

    threading.Thread(target=watch, daemon=True).start()
    return stop


def _let_in() -> None:
    """Have an interruption that is under way come now, as it does where Python jumps back.

    Calling it off would leave Python 3.11 in a state in which whatever is traced next, by a debugger say, never ends.
    """
    for _ in range(2):
        pass


class LastResort:
    """Ends the process, with status 1, when no target has answered for too long; before, it writes where that stands.

    Off unless `watch` is called: only a process that is there for the targets' sake may be ended for it. The thread
    that does so needs no interpreter, so that code in C that keeps hold of it is no obstacle.
    """

    def __init__(self) -> None:
        self._end: float | None = None
        self._file: TextIO | int = sys.stderr

    def watch(self, seconds: float, file: TextIO | int) -> None:
        """End the process in so many seconds, unless that is put off or called off; `file` is written to then."""
        self._end, self._file = monotonic() - SLACK, file
        self.put_off(seconds)

    def put_off(self, seconds: float) -> None:
        """Let it go on for this many seconds more."""
        end = monotonic() + seconds
        if self._end is not None and abs(end - self._end) >= SLACK:
            faulthandler.dump_traceback_later(seconds + SLACK, exit=True, file=self._file)
            self._end = end

    def call_off(self) -> None:
        """Let the process go on."""
        faulthandler.cancel_dump_traceback_later()
        self._end = None


LAST_RESORT = LastResort()
"""The one of this process."""
