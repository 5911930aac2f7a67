"""What the server knows of every task it gave out: the explicit state from which admission and resuming work."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from torch import Tensor

from fedprop.messages import Report
from fedprop.types import ClientId, Round, Seconds, Vector, Version


class TaskState(StrEnum):
    """Where a task stands. Only an open one can still be answered."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    CLOSED = "closed"


_STATES = tuple(TaskState)


class Task(NamedTuple):
    """One invitation: who trains, from which version, since when."""

    task: int
    client: ClientId
    round: Round
    version: Version
    origin: Vector
    invited: Seconds


class Accepted(NamedTuple):
    """One update that passed admission and waits to be aggregated; `origin` [d] is the global model it is relative to.

    Its task was given out in `round`. `reports` are what its client said beside it, where the defense asks for that.
    """

    task: int
    client: ClientId
    version: Version
    origin: Vector
    update: Tensor
    examples: int
    steps: int
    round: Round = 0
    reports: tuple[Report, ...] = ()


@dataclass
class Ledger:
    """All tasks of a run, numbered from 0: the open ones whole, of every one its state in a byte."""

    open: dict[int, Task] = field(default_factory=dict)
    states: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._held: dict[ClientId, int] = {**Counter(task.client for task in self.open.values())}

    def state(self, task: int) -> TaskState | None:
        """Where a task stands; None if there never was such a task."""
        return _STATES[self.states[task]] if 0 <= task < len(self.states) else None

    def issue(self, client: ClientId, round_: Round, version: Version, origin: Vector, now: Seconds) -> Task:
        """Open a new task."""
        task = Task(len(self.states), client, round_, version, origin, now)
        self.open[task.task] = task
        self.states.append(0)  # the place of `open` among the states
        self._held[client] = self._held.get(client, 0) + 1
        return task

    def end(self, task: int, state: TaskState) -> Task:
        """Close an open task for the given reason."""
        ended = self.open.pop(task)
        self.states[task] = _STATES.index(state)
        left = self._held.pop(ended.client) - 1
        if left:
            self._held[ended.client] = left
        return ended

    @property
    def issued(self) -> int:
        """How many tasks there ever were."""
        return len(self.states)

    @property
    def busy(self) -> Set[ClientId]:
        """The clients that hold an open task, as a view of the ledger."""
        return self._held.keys()
