"""Time limits for what is tried: a target that hangs must not hang the one who asks."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fedprop.verify.claim import TooSlow

PATIENCE = 20.0
"""Seconds of real time for asking a target about one small input."""


@contextmanager
def time_limit() -> Iterator[None]:
    """Interrupt what takes longer than `PATIENCE`; only the main thread of a Unix process can be interrupted.

    Raises
    ------
    TooSlow
        In the midst of what is run inside.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _too_slow(number: int, frame: Any) -> None:
    raise TooSlow(f"no answer within {PATIENCE:.0f} seconds")
