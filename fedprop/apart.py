"""A thread of its own for an event loop, where another loop runs already, as it does in a notebook."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import Context, copy_context
from typing import TypeVar

import anyio

T = TypeVar("T")

LOOK = 0.05
"""Real seconds between two looks of a waiting thread whether it was interrupted; a person notices no such delay."""

_OF_THE_LOOP = "current_async_library_cvar"
"""The context variable by which the library sniffio remembers whose loop runs; it is true of its own thread alone."""


def loop_runs() -> bool:
    """Whether an event loop, of whatever library, runs in this thread."""
    try:
        anyio.current_time()
    except RuntimeError:
        return False
    return True


def apart(work: Callable[[], T], stop: Callable[[], None]) -> T:
    """What `work` returns, or raises, in a thread of its own but in the caller's context; the caller waits.

    Parameters
    ----------
    stop : called, from the caller's thread, if the caller is interrupted; it must end the work soon.
    """
    outcome: Future[T] = Future()
    thread = threading.Thread(target=_context().run, args=(_settle, outcome, work), name="fedprop loop", daemon=True)
    try:
        thread.start()
        while not outcome.done():
            wait([outcome], LOOK)  # without a time limit some systems would not deliver an interrupt
            _pass_on_cancellation()
    except BaseException:
        stop()
        wait([outcome] if thread.is_alive() else [])
        raise
    return outcome.result()


def _settle(outcome: "Future[T]", work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:
        outcome.set_exception(error)


def _pass_on_cancellation() -> None:
    """Under `asyncio.run` Ctrl-C cancels the task that waits here, which would learn of it only afterwards."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _context() -> Context:
    """A copy of the caller's context, but for what is true of the caller's loop only."""
    copy = Context()
    for variable, value in copy_context().items():
        if variable.name != _OF_THE_LOOP:
            copy.run(variable.set, value)
    return copy
