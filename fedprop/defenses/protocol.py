"""What a defense is that takes more than a rule: it tells clients how to begin, and the server whom to believe.

One round goes through these steps. The server invites; a client that gets the invitation asks its `ClientSide` where to
start and what to report; it trains and sends its update; when the server has its updates, `screen` says which of them
its rule aggregates, and whether onto the current global model or onto the one before (`rollback.py`). The simulator
knows these steps and nothing of what a defense does in them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.server_side import ServerSide
from fedprop.types import ClientId, Kind, Updates, Vector

LocalTest: TypeAlias = Callable[[ClientId, Vector], float | None]
"""The accuracy in [0, 1] of a model [d] on the examples that a client keeps for testing; None if it keeps none."""


class Beginning(NamedTuple):
    """How a client begins a task.

    Attributes
    ----------
    start : the model [d] that training starts from. The update sent is relative to the global model all the same.
    alarm : whether the client holds the global model for poisoned.
    detail : why, for the record.
    """

    start: Vector
    alarm: bool
    detail: str


class ClientSide(Protocol):
    """What clients do with an invitation before they train."""

    def begin(self, client: ClientId, received: Vector, last: Vector | None) -> Beginning:
        """A client was sent a global model [d].

        Parameters
        ----------
        received : the global model [d].
        last : the client's local model [d] at the end of the last task that it finished and answered, whatever became
            of the answer; None if there was none yet.
        """
        ...


class Replies(NamedTuple):
    """A round as the server sees it before it aggregates.

    Attributes
    ----------
    updates : rows [n, d], relative to the current global model.
    clients : who sent each row.
    alarms : whether each of them holds the current global model for poisoned, or so it says.
    server : what the server's own examples tell about the current global model and the updates; None without any.
    rounds : how many rounds the run has in all.
    """

    updates: Updates
    clients: tuple[ClientId, ...]
    alarms: tuple[bool, ...]
    server: ServerSide | None
    rounds: int


@dataclass(frozen=True)
class Ruling:
    """What the server found out in one round, for the record.

    Attributes
    ----------
    case : why it decided as it did.
    rollback : whether the current global model is given up for the one before.
    alarms : what each client of the round reported.
    verdicts : what was found out about each of them.
    accuracies : of each of their models on the server's examples, where that was asked for.
    index : the malicious index of every client known so far: the count that a ban follows.
    banned : whose updates are refused from now on.
    """

    case: str
    rollback: bool
    alarms: Mapping[ClientId, bool]
    verdicts: Mapping[ClientId, str]
    accuracies: Mapping[ClientId, float]
    index: Mapping[ClientId, float]
    banned: tuple[ClientId, ...]


class Screened(NamedTuple):
    """Which rows the rule gets, why, and what the protocol remembers from now on."""

    accepted: tuple[bool, ...]
    ruling: Ruling
    memory: Any


class RoundProtocol(Kind, ABC):
    """Base of all such defenses.

    Memory is plain data: None, numbers, text, tensors, and tuples and mappings of these. A checkpoint gives back a
    named tuple as a plain one.
    """

    @property
    @abstractmethod
    def rule(self) -> Aggregator:
        """What aggregates the updates that are accepted."""

    @property
    def needs_root(self) -> bool:
        """Whether the server must hold examples of its own."""
        return False

    @property
    def test_share(self) -> float:
        """The share of its examples, in [0, 1), that each client keeps for testing."""
        return 0.0

    def init(self) -> Any:
        """What the protocol remembers before the first round."""
        return None

    def fixed_by(self, rounds: int) -> Any:
        """What follows from how many rounds a run has in all, as plain data; None for nothing.

        A finished run can go on for more rounds if this stays what it was.
        """
        return None

    @abstractmethod
    def client_side(self, test: LocalTest) -> ClientSide:
        """What the clients do; `test` tells how good a model is on what a client holds out."""

    @abstractmethod
    def screen(self, replies: Replies, memory: Any) -> Screened:
        """Whose updates are aggregated, and onto which model."""
