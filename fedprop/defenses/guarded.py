"""A round machine around any aggregation rule."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract
from fedprop.defenses.base import Closed
from fedprop.errors import InvalidConfig, InvalidUpdates
from fedprop.rng import generator
from fedprop.types import ClientId, Round


class Guarded:
    """An aggregation rule behind a door, for a training loop of one's own.

    Accepted is the first usable update of each invited client to the open round. Refused are messages from anybody
    else, for any other round, of another shape or dtype, with NaN or infinity, or with a claim of less than one
    example; a client whose message was refused may try again. What the rule remembers moves on only with an aggregate.
    The rows reach the rule in the order of the client ids, so the order of arrival plays no part.

    Parameters
    ----------
    rule : what aggregates; its memory, if it has one, is kept from round to round.
    size : the length d of an update.
    dtype : of every update, float32 or float64.
    seed : of the random numbers, other ones in each round, for a rule that asks for them.

    Raises
    ------
    InvalidConfig
        If `size` is less than 1 or `dtype` is another.

    >>> from fedprop.aggregators import Median
    >>> server = Guarded(Median(), size=1)
    >>> server.open(0, clients=[3, 5, 8])
    >>> for client, value in [(3, 1.0), (5, 2.0), (5, 9.0), (4, 9.0), (8, 7.0)]:
    ...     print(client, server.receive(client, torch.tensor([value]), round=0))
    3 True
    5 True
    5 False
    4 False
    8 True
    >>> server.close().value
    tensor([2.])
    """

    def __init__(self, rule: Aggregator, size: int, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> None:
        if size < 1:
            raise InvalidConfig(f"`size` must be at least 1 for Guarded; found {size}")
        if dtype not in (torch.float32, torch.float64):
            raise InvalidConfig(f"`dtype` must be float32 or float64 for Guarded; found {dtype}")
        self.rule = rule
        self.size = size
        self.dtype = dtype
        self.seed = seed
        self._memory: Any = rule.init()
        self._open = False
        self._round: Round | None = None
        self._invited: frozenset[ClientId] = frozenset()
        self._accepted: dict[ClientId, tuple[Tensor, int]] = {}

    def contract(self) -> Contract:
        """What the rule claims."""
        return self.rule.contract()

    def open(self, round: Round, clients: Sequence[ClientId]) -> None:
        """Begin a round that these clients are invited to.

        Raises
        ------
        InvalidConfig
            If a round is open still, or `round` does not exceed the one before.
        """
        if self._open:
            raise InvalidConfig(f"`open` must follow `close`; found round {self._round} still open")
        if self._round is not None and round <= self._round:
            raise InvalidConfig(f"`round` must exceed the one before, {self._round}; found {round}")
        self._open, self._round = True, round
        self._invited, self._accepted = frozenset(clients), {}

    def receive(self, client: ClientId, update: Tensor, *, round: Round, examples: int = 1) -> bool:
        """Take an update [d] and keep a copy of it, or refuse it; returns whether it was accepted."""
        expected = self._open and round == self._round and client in self._invited and client not in self._accepted
        if not expected or examples < 1 or not self._usable(update):
            return False
        self._accepted[client] = update.detach().clone(), examples
        return True

    def _usable(self, update: Tensor) -> bool:
        fits = isinstance(update, Tensor) and update.shape == (self.size,) and update.dtype == self.dtype
        return fits and bool(torch.isfinite(update).all())

    def close(self) -> Closed:
        """End the round: the rule's answer to the accepted updates; no value if it needs more of them.

        Raises
        ------
        InvalidConfig
            If no round is open.
        """
        if not self._open:
            raise InvalidConfig("`close` must follow `open`; found no round open")
        self._open = False
        clients = tuple(sorted(self._accepted))
        if not clients:
            return Closed(None, {})
        rows = torch.stack([self._accepted[client][0] for client in clients])
        cohort = Cohort(
            rows,
            clients,
            examples=tuple(self._accepted[client][1] for client in clients),
            round=self._round,
            generator=None if self._round is None else generator(self.seed, "aggregation", self._round),
        )
        try:
            value, weights, self._memory = self.rule.aggregate(cohort, self._memory)
        except InvalidUpdates:
            return Closed(None, {})
        return Closed(value, dict(zip(clients, weights.tolist(), strict=True)))
