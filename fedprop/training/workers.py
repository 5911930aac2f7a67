"""Local training in threads: each worker has an engine, and so a module, of its own, and computes on one core."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from queue import SimpleQueue
from threading import Barrier

import torch

from fedprop.training.task import LocalResult, Ticket, Train

SMALLEST = 8
"""So many tickets fill a group; for fewer, the time that Python needs for each group is not worth another one."""


class Workers:
    """Trains tickets side by side, `together` of them in one call of an engine.

    The steps of small models cannot keep several cores busy, several clients can: torch lets go of Python's lock while
    it computes. How tickets are grouped does not depend on the number of workers, and each group is computed by one
    thread; so a result is the same, to the bit, however many workers there are.
    """

    def __init__(self, make: Callable[[], Train], *, together: int = 1, count: int | None = None) -> None:
        """`make` makes an engine; there are `count` of them, by default as many as torch may use threads."""
        self.engines = [make() for _ in range(torch.get_num_threads() if count is None else count)]
        self.together = together
        self._idle: SimpleQueue[Train] = SimpleQueue()
        for engine in self.engines:
            self._idle.put(engine)
        self._threads: ThreadPoolExecutor | None = None

    def __call__(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        if self._threads is None:
            self._threads = start_threads(len(self.engines))
        return list(chain.from_iterable(self._threads.map(self._train, _cut(tickets, self.together))))

    def _train(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        engine = self._idle.get()
        try:
            return engine(tickets)
        finally:
            self._idle.put(engine)


def start_threads(count: int) -> ThreadPoolExecutor:
    """That many running threads, in each of which torch computes with one thread; elsewhere it computes as before."""
    before, started = torch.get_num_threads(), Barrier(count)
    threads = ThreadPoolExecutor(count, thread_name_prefix="fedprop-worker", initializer=_use_one_core)
    for _ in threads.map(lambda _: started.wait(), range(count)):
        pass
    # What a thread sets is its own affair, and also what threads yet to come begin with.
    torch.set_num_threads(before)
    return threads


def _use_one_core() -> None:
    # A thread takes over the general number when it first needs one, so it must have taken it before it sets its own.
    torch.get_num_threads()
    torch.set_num_threads(1)


def _cut(tickets: Sequence[Ticket], size: int) -> list[Sequence[Ticket]]:
    """Groups of at most `size` tickets, all about equally large: as few as possible, but two of what fills two."""
    groups = max(-(-len(tickets) // size), min(2, len(tickets) // SMALLEST))
    ends = [len(tickets) * i // groups for i in range(groups + 1)] if groups else []
    return [tickets[begin:end] for begin, end in pairwise(ends)]
