"""Carries messages between the server and its clients, as the network model says."""

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, TypeAlias

from fedprop.clock import now, post
from fedprop.messages import HEADER_BYTES, Message, size
from fedprop.network import Network
from fedprop.simulation.events import EventKind
from fedprop.types import ClientId, Seconds

Payload: TypeAlias = Message | bytes
Direction: TypeAlias = Literal["down", "up"]


class Parcel(NamedTuple):
    """One copy of a message under way: `client` is its receiver (down) or its sender (up)."""

    number: int
    due: Seconds
    direction: Direction
    client: ClientId
    message: Payload


class Emit(Protocol):
    """Records an event."""

    def __call__(
        self,
        kind: EventKind,
        *,
        client: ClientId | None = None,
        task: int | None = None,
        version: int | None = None,
        value: float | None = None,
        detail: str = "",
    ) -> None:
        """Record an event at the present time."""
        ...


class Transport:
    """Messages under way, in explicit state: what has not arrived yet can be written down and taken up again."""

    def __init__(self, network: Network, seed: int, emit: Emit) -> None:
        self.network = network
        self.seed = seed
        self.under_way: dict[int, Parcel] = {}
        self.sent: dict[str, dict[ClientId, int]] = {"down": {}, "up": {}}
        self.count = 0
        self._emit = emit
        self._receivers: dict[str, Callable[[ClientId, Payload], None]] = {}
        self._limited = {"down": network.downlink is not None, "up": network.uplink is not None}

    def connect(self, direction: Direction, receive: Callable[[ClientId, Payload], None]) -> None:
        """Who gets the messages of one direction."""
        self._receivers[direction] = receive

    def ticket(self) -> int:
        """The next number in the order in which things were scheduled."""
        self.count += 1
        return self.count

    def send(self, direction: Direction, client: ClientId, message: Payload) -> bool:
        """Put a message on the wire; False if it was lost (which its sender does not learn in the simulation)."""
        sent = self.sent[direction]
        number = sent.get(client, 0)
        sent[client] = number + 1
        weight = _weight(message) if self._limited[direction] else 0
        delays = self.network.deliver(self.seed, client, direction, number, weight)
        if len(delays) != 1:
            kind = EventKind.LOST if not delays else EventKind.DUPLICATED
            task = None if isinstance(message, bytes) else message.task
            self._emit(kind, client=client, task=task, detail=f"{direction}link")
        for delay in delays:
            self.carry(Parcel(self.ticket(), now() + delay, direction, client, message))
        return bool(delays)

    def carry(self, parcel: Parcel) -> None:
        """Deliver a parcel when it is due."""
        self.under_way[parcel.number] = parcel
        post(parcel.due, self._deliver, parcel)

    def _deliver(self, parcel: Parcel) -> None:
        number, _, direction, client, message = parcel
        del self.under_way[number]
        self._receivers[direction](client, message)


def _weight(message: Payload) -> int:
    """The bytes of a message."""
    return len(message) + HEADER_BYTES if isinstance(message, bytes) else size(message)
