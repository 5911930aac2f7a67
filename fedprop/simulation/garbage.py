"""Python's search for garbage during a simulation: rarer, and not among all the objects of torch."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 20_000
"""New objects between looks for unreachable ones; looking as often as Python usually does takes a tenth of the time."""


class _Collector:
    """What this process has one of: the first who wants less of it changes it, and the last one sets back what was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanting = 0
        self._usual = gc.get_threshold()
        self._frozen = False

    def slow_down(self) -> None:
        with self._lock:
            self._wanting += 1
            if self._wanting > 1:
                return
            self._usual = gc.get_threshold()
            if self._usual[0]:
                gc.set_threshold(max(self._usual[0], NEW_OBJECTS), *self._usual[1:])
            self._frozen = bool(self._usual[0]) and not gc.get_freeze_count()
            if self._frozen:
                gc.freeze()

    def speed_up(self) -> None:
        with self._lock:
            self._wanting -= 1
            if self._wanting:
                return
            gc.set_threshold(*self._usual)
            if self._frozen:
                gc.unfreeze()


_COLLECTOR = _Collector()


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Let more objects pass between two looks for garbage, and look at what is made in here alone, not at all of torch.

    Nothing changes where nobody looks at all, or something is left out already. Others may be in here at the same time,
    in this thread or in another one.
    """
    _COLLECTOR.slow_down()
    try:
        yield
    finally:
        _COLLECTOR.speed_up()
