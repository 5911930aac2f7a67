"""Lazy training: tickets are taken now and computed together, when the first of them falls due."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from fedprop.answers import described
from fedprop.errors import FedpropError, WrongAnswer
from fedprop.failures import blamed
from fedprop.training.task import LocalResult, Ticket, Train
from fedprop.types import Vector

Holder: TypeAlias = Literal["server", "client"]

SHORT = 1_000
"""Maximum length of updates that are looked at all together: to look at each of them costs more than the look."""

_BOTH: tuple[Holder, ...] = ("server", "client")
_OTHER: dict[Holder, tuple[Holder, ...]] = {"server": ("client",), "client": ("server",)}


class TicketOffice:
    """Holds tickets and their results as long as anybody may ask for them.

    The event loop stays asynchronous while the device sees full batches: whoever needs a result makes the office
    compute every ticket still outstanding, whatever global version each started from. Where clients choose the model
    they start from, a ticket waits until its client has begun.

    A ticket is held by the server, which issued the task, and by the client that works on it; when both have let go, it
    is forgotten. Those that have no result yet are `untrained`, in the order in which they were taken.
    """

    def __init__(self, train: Train) -> None:
        self._train = train
        self.tickets: dict[int, Ticket] = {}
        self.untrained: dict[int, Ticket] = {}
        self.results: dict[int, LocalResult] = {}
        self.holders: dict[int, tuple[Holder, ...]] = {}
        self.waiting: set[int] = set()
        self.passes = 0
        self.computed = 0

    def take(self, ticket: Ticket, *, waits: bool = False) -> None:
        """Register a ticket; nothing is computed yet. One that `waits` is not even outstanding before `begin`."""
        task = ticket.task
        self.tickets[task] = self.untrained[task] = ticket
        self.holders[task] = _BOTH
        if waits:
            self.waiting.add(task)

    def begin(self, task: int, start: Vector) -> None:
        """The client of a waiting ticket starts from the model `start` [d]."""
        self.tickets[task] = self.untrained[task] = replace(self.tickets[task], start=start)
        self.waiting.remove(task)

    def result(self, task: int) -> LocalResult:
        """What a task yields, computing all outstanding tickets first if it is one of them."""
        if task not in self.results:
            self.compute()
        return self.results[task]

    def fits(self, task: int, row: Tensor) -> bool:
        """Whether these very numbers are what a task yielded, and were found to be fit for an update."""
        known = self.results.get(task)
        return known is not None and known.update is row and known.fits

    def compute(self) -> None:
        """Train every outstanding ticket in one pass."""
        outstanding = {task: ticket for task, ticket in self.untrained.items() if task not in self.waiting}
        if outstanding:
            with blamed("`model` failed as clients trained it", passing=(FedpropError,)):
                results = self._train([*outstanding.values()])
            _check(results)
            _look_at_short_ones(results, next(iter(outstanding.values())).origin)
            self.results.update(zip(outstanding, results, strict=True))
            self.untrained = {task: ticket for task, ticket in self.untrained.items() if task in self.waiting}
            self.passes += 1
            self.computed += len(outstanding)

    def let_go(self, task: int, holder: Holder) -> None:
        """A holder needs the ticket no more; saying so twice does no harm."""
        held = self.holders.get(task, ())
        if holder not in held:
            return
        if len(held) == 2:
            self.holders[task] = _OTHER[holder]
        else:
            del self.holders[task], self.tickets[task]
            self.untrained.pop(task, None)
            self.results.pop(task, None)
            self.waiting.discard(task)

    def window(self) -> dict[int, Ticket]:
        """The tickets whose task the server has neither aggregated nor given up, and whose client may have begun."""
        return {
            task: ticket
            for task, ticket in self.tickets.items()
            if "server" in self.holders[task] and task not in self.waiting
        }


def _check(results: Sequence[LocalResult]) -> None:
    """Look at what a trainer answers, once for all clients: messages are made of it without another look.

    Raises
    ------
    WrongAnswer
        If these are not all results, of numbers that a message can hold: what trains may be the user's own.
    """
    for result in results:
        if not (
            isinstance(result, LocalResult)
            and isinstance(result.update, Tensor)
            and type(result.examples) is int
            and type(result.steps) is int
            and isinstance(result.loss, int | float)
            and max(result.examples.bit_length(), result.steps.bit_length()) < 64
        ):
            raise WrongAnswer(
                "what trains clients must answer with LocalResult(update, examples, steps, loss) for each: a tensor, "
                f"two integers of 64 bits and a number; found {described(result)}"
            )


def _look_at_short_ones(results: Sequence[LocalResult], like: Vector) -> None:
    """Look for NaN and infinity in all updates at once, where they are short and like a vector [d].

    Where anything is amiss, none is said to fit, whatever a trainer says: whoever gets them looks at each.
    """
    fits = _fit([result.update for result in results], like)
    for result in results:
        result.fits = fits


def _fit(rows: Sequence[Vector], like: Vector) -> bool:
    form = like.shape, like.dtype, like.device
    if len(like) > SHORT or any((row.shape, row.dtype, row.device) != form for row in rows):
        return False
    together = torch.cat([*rows])
    return math.isfinite(together.dot(together).item())
