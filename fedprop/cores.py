"""How many threads compute, and how many torch takes for one operation.

A sum that several threads share comes out otherwise, in its last bits, with another number of threads. So whatever a
trace depends on is computed within `one_thread`, and work is handed to several threads in whole pieces only.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Generic, TypeVar

import torch

Tool = TypeVar("Tool")
Item = TypeVar("Item")
Result = TypeVar("Result")

_cores: ContextVar[int | None] = ContextVar("cores", default=None)
_general_number = threading.Lock()


def cores() -> int:
    """How many threads may compute side by side: as many as torch may use, for one operation, outside `one_thread`."""
    return _cores.get() or _here()


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes each operation of this thread with one thread in here; other threads compute as they did."""
    before = _here()
    if before == 1:
        yield
        return
    token = _cores.set(cores())
    _use_here(1)
    try:
        yield
    finally:
        _use_here(before)
        _cores.reset(token)


def start_threads(count: int) -> ThreadPoolExecutor:
    """That many running threads, in each of which torch computes with one thread."""
    started = threading.Barrier(count)
    with _others_undisturbed():
        threads = ThreadPoolExecutor(count, thread_name_prefix="fedprop-worker", initializer=_use_one)
        for _ in threads.map(lambda _: started.wait(), range(count)):
            pass
    return threads


class Crew(Generic[Tool]):
    """Threads that work side by side, each with a tool that nobody else has in hand then, such as a module."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        """There are as many threads as tools, from the first call of `map` on."""
        self._count = len(tools)
        self._idle: SimpleQueue[Tool] = SimpleQueue()
        for tool in tools:
            self._idle.put(tool)
        self._threads: ThreadPoolExecutor | None = None

    def map(self, work: Callable[[Tool, Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`work` of a tool on each item, in the order of the items; it may not matter which tool."""
        if self._threads is None:
            self._threads = start_threads(self._count)

        def with_a_tool(item: Item) -> Result:
            tool = self._idle.get()
            try:
                return work(tool, item)
            finally:
                self._idle.put(tool)

        return self._threads.map(with_a_tool, items)


def _here() -> int:
    """How many threads torch computes with in this thread; asked for while nobody changes the general number."""
    with _general_number:
        return torch.get_num_threads()


def _use_here(count: int) -> None:
    with _others_undisturbed():
        torch.set_num_threads(count)


@contextmanager
def _others_undisturbed() -> Iterator[None]:
    """Let numbers of threads be set in here without a change of the general one, with which new threads begin.

    What a thread sets is its own affair and the general number too. A new thread reads the latter, and can put it back.
    """
    with _general_number, ThreadPoolExecutor(1) as fresh:
        general = fresh.submit(torch.get_num_threads).result()
        try:
            yield
        finally:
            fresh.submit(torch.set_num_threads, general).result()


def _use_one() -> None:
    # A thread takes over the general number when it first needs one, so it must have taken it before it sets its own.
    torch.get_num_threads()
    torch.set_num_threads(1)
