"""Local training in threads: each worker has an engine, and so a module, of its own, and computes on one core."""

from collections.abc import Callable, Sequence
from itertools import chain, pairwise

from fedprop.cores import Crew, cores
from fedprop.training.task import LocalResult, Ticket, Train

SMALLEST = 8
"""Fewest tickets in a group of its own; below this, Python's time for each group costs more than the group saves."""


class Workers:
    """Trains tickets side by side, `together` of them in one call of an engine.

    The steps of small models cannot keep several cores busy, several clients can: torch lets go of Python's lock while
    it computes. How tickets are grouped does not depend on the number of workers, and each group is computed by one
    thread; so a result is the same, to the bit, however many workers there are.
    """

    def __init__(self, make: Callable[[], Train], *, together: int = 1, count: int | None = None) -> None:
        """`make` makes an engine; there are `count` of them, by default one for each of the `cores`."""
        self.engines = [make() for _ in range(cores() if count is None else count)]
        self.together = together
        self._crew = Crew(self.engines)

    def __call__(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        groups = cut(tickets, self.together)
        return list(chain.from_iterable(self._crew.map(lambda engine, group: engine(group), groups)))


def cut(tickets: Sequence[Ticket], size: int) -> list[Sequence[Ticket]]:
    """Groups of at most `size` tickets, all about equally large: as few as possible, but two of what fills two."""
    groups = max(-(-len(tickets) // size), min(2, len(tickets) // SMALLEST))
    ends = [len(tickets) * i // groups for i in range(groups + 1)] if groups else []
    return [tickets[begin:end] for begin, end in pairwise(ends)]
