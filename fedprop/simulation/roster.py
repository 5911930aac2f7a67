"""Who the clients are: how much data each holds, when it is up, and whom the server invites."""

import math
from collections.abc import Set

import torch

from fedprop.clock import now
from fedprop.network import Availability
from fedprop.rng import generator, words
from fedprop.simulation.setup import Setup
from fedprop.types import ClientId, Seconds

TRIES = 0.25
"""Tries at random, for each client registered, that cost about as much as one look at everybody."""


class Roster:
    """All registered clients. An idle one costs a number and, where clients crash, the moments at which it does."""

    def __init__(self, setup: Setup) -> None:
        self.examples = setup.shards.sizes[: setup.clients]
        self._seed = setup.seed
        self._outages = setup.faults.outages
        self._availability: dict[ClientId, Availability] = {}

    def __len__(self) -> int:
        return len(self.examples)

    def _when_up(self, client: ClientId) -> Availability:
        """When a client is up."""
        if client not in self._availability:
            self._availability[client] = Availability(self._outages, self._seed, client)
        return self._availability[client]

    def is_up(self, client: ClientId) -> bool:
        """Whether a client is up now."""
        return self._outages is None or self._when_up(client).is_up(now())

    def changes(self, client: ClientId) -> Seconds:
        """The first moment from now on at which a client crashes or returns; infinity if it never does."""
        return math.inf if self._outages is None else self._when_up(client).next_change(now())

    def ready(self, client: ClientId) -> bool:
        """Whether a client holds data and is up now."""
        return self.examples[client] > 0 and (self._outages is None or self.is_up(client))

    def next_change(self) -> Seconds:
        """The first moment from now on at which some client crashes or returns."""
        return min(self.changes(client) for client in range(len(self)))

    def available(self, busy: Set[ClientId]) -> list[ClientId]:
        """The clients that are ready and not busy, in order of their ids."""
        return [client for client in range(len(self)) if client not in busy and self.ready(client)]

    def sample(self, wanted: int, busy: Set[ClientId], draw: int) -> list[ClientId]:
        """Up to `wanted` available clients, uniformly at random, in order of their ids; each `draw` has its own luck.

        Tries ids at random as long as that can be cheaper than to look at everybody. A pick is uniform over those who
        are left, whichever of the two ways it was made.
        """
        if wanted < 1:
            return []
        tries = int(TRIES * len(self.examples))
        chosen = self._try(wanted, busy, draw, tries) if 2 * wanted <= tries else set[ClientId]()
        missing = wanted - len(chosen)
        if missing > 0:
            chosen |= self._choose(missing, self.available(busy | chosen), draw)
        return sorted(chosen)

    def _try(self, wanted: int, busy: Set[ClientId], draw: int, tries: int) -> set[ClientId]:
        """So many clients, at least one, or fewer if so many tries find no more."""
        chosen: set[ClientId] = set()
        registered = len(self.examples)
        for first in range(0, tries, 8):
            for word in words(self._seed, "sample/try", draw, first // 8)[: tries - first]:
                client = word % registered
                if client not in busy and self.ready(client):
                    chosen.add(client)
                    if len(chosen) == wanted:
                        return chosen
        return chosen

    def _choose(self, wanted: int, candidates: list[ClientId], draw: int) -> set[ClientId]:
        if wanted >= len(candidates):
            return set(candidates)
        order = torch.randperm(len(candidates), generator=generator(self._seed, "sample", draw))
        return {candidates[i] for i in order[:wanted].tolist()}
