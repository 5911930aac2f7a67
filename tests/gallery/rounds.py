"""Servers that collect the updates of a round: a correct one, and what went wrong elsewhere."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class Closed(NamedTuple):
    """The answer of a round and the weight of each client in it."""

    value: Tensor
    verdicts: dict[int, float]


class Averaging:
    """One finite update of the right size from each invited client, while its round is open; then their mean."""

    def __init__(self, size: int = 3) -> None:
        self.size = size
        self.now = -1
        self.invited: frozenset[int] = frozenset()
        self.updates: dict[int, Tensor] = {}

    def open(self, number: int, clients: Iterable[int]) -> None:
        if self.invited:
            raise RuntimeError("a round is open")
        self.now, self.invited, self.updates = number, frozenset(clients), {}

    def receive(self, client: int, update: Tensor, *, round: int, examples: int) -> bool:
        accepted = self.wanted(client, round) and self.sound(update)
        if accepted:
            self.keep(client, update.double())
        return accepted

    def wanted(self, client: int, number: int) -> bool:
        return number == self.now and client in self.invited and client not in self.updates

    def sound(self, update: Tensor) -> bool:
        return update.shape == (self.size,) and bool(torch.isfinite(update).all())

    def keep(self, client: int, update: Tensor) -> None:
        self.updates[client] = update.clone()

    def close(self) -> Closed:
        self.invited = frozenset()
        if not self.updates:
            return Closed(torch.zeros(self.size), {})
        share = 1 / len(self.updates)
        return Closed(torch.stack(list(self.updates.values())).mean(dim=0), dict.fromkeys(self.updates, share))


class CountsMessages(Averaging):
    """Updates are collected in a list without a look at who sent them: whoever sends twice counts twice."""

    def __init__(self, size: int = 3) -> None:
        super().__init__(size)
        self.messages: list[tuple[int, Tensor]] = []

    def open(self, number: int, clients: Iterable[int]) -> None:
        super().open(number, clients)
        self.messages = []

    def keep(self, client: int, update: Tensor) -> None:
        self.messages.append((client, update.clone()))

    def close(self) -> Closed:
        if not self.messages:
            return super().close()
        self.invited = frozenset()
        value = torch.stack([update for _, update in self.messages]).mean(dim=0)
        return Closed(value, {client: 1 / len(self.messages) for client, _ in self.messages})


class Overwrites(Averaging):
    """A second update of the same client is accepted and takes the place of the first, which was accepted, too."""

    def wanted(self, client: int, number: int) -> bool:
        return number == self.now and client in self.invited


class IgnoresTheRound(Averaging):
    """Nobody looks at which round an update was made for."""

    def wanted(self, client: int, number: int) -> bool:
        return client in self.invited and client not in self.updates


class IgnoresTheGuestList(Averaging):
    """Any client may send, invited or not."""

    def wanted(self, client: int, number: int) -> bool:
        return number == self.now and client not in self.updates


class TakesAnything(Averaging):
    """NaN and infinity are numbers to it."""

    def sound(self, update: Tensor) -> bool:
        return update.shape == (self.size,)


class KeepsLastRound(Averaging):
    """The table of updates is not cleared: a silent client's update of an earlier round is averaged again."""

    def __init__(self, size: int = 3) -> None:
        super().__init__(size)
        self.fresh: set[int] = set()

    def open(self, number: int, clients: Iterable[int]) -> None:
        self.now, self.invited, self.fresh = number, frozenset(clients), set()

    def wanted(self, client: int, number: int) -> bool:
        return number == self.now and client in self.invited and client not in self.fresh

    def keep(self, client: int, update: Tensor) -> None:
        self.fresh.add(client)
        super().keep(client, update)


class VerdictsByPosition(Averaging):
    """The verdicts name the places of the updates in the list, not the clients who sent them."""

    def close(self) -> Closed:
        closed = super().close()
        return Closed(closed.value, dict(enumerate(closed.verdicts.values())))


class LosesTheLast(Averaging):
    """The mean is brought up to date when the next update comes, and the last one has no next."""

    def close(self) -> Closed:
        if self.updates:
            self.updates.popitem()
        return super().close()
