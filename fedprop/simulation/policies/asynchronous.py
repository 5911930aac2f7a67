"""Asynchronous policies: a new version whenever enough updates have come, whatever version they started from."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import torch
from pydantic import Field, NonNegativeInt, PositiveInt

from fedprop.errors import RunFailed
from fedprop.simulation.ledger import Accepted
from fedprop.simulation.policies.base import Policy
from fedprop.simulation.staleness import AnyStaleness, ConstantStaleness, PolynomialStaleness
from fedprop.simulation.transport import Payload
from fedprop.types import ClientId, Positive, Seconds, Updates, Vector, Version

if TYPE_CHECKING:
    from fedprop.simulation.server import Server

MAX_TASKS_PER_UPDATE = 10_000
"""Maximum tasks issued for each update that a version needs; far beyond what any fault makes likely, more is no end."""


class Asynchronous(Policy):
    """What the asynchronous policies share: `concurrency` clients train at any time, whatever version is the newest.

    Attributes
    ----------
    concurrency : how many clients train at any time.
    staleness : how much an update counts that lies tau versions behind.
    timeout : seconds after which the server gives a task up and invites somebody else; None never does.
    max_staleness : updates older than this many versions are refused; None accepts all.
    """

    limit: ClassVar[str] = "timeout"

    concurrency: PositiveInt
    staleness: AnyStaleness = ConstantStaleness()
    max_staleness: NonNegativeInt | None = None
    timeout: Positive | None = None

    async def run(self, server: "Server") -> None:
        """Keep `concurrency` clients busy, and make a version whenever the buffer is full."""
        size, buffer = self.wanted(server.setup.clients), server.state.buffer
        while server.open_round():
            await _fill(server, self, size)
            batch = buffer[:]
            buffer.clear()
            await server.aggregate(batch)

    @property
    def patience(self) -> Seconds | None:
        return self.timeout

    @property
    def stalest(self) -> int | None:
        return self.max_staleness

    def rows(self, batch: Sequence[Accepted], parameters: Vector, version: Version) -> Updates:
        rows = super().rows(batch, parameters, version)
        counts = self.staleness.weights(version - item.version for item in batch)
        return rows * torch.tensor(counts, dtype=rows.dtype, device=rows.device)[:, None]

    def discounts(self) -> Iterator[tuple[str, str]]:
        if self.staleness != ConstantStaleness():
            yield "`policy.staleness` must be constant", self.staleness.kind

    def problems(self, clients: int, silent: Sequence[str]) -> Iterator[str]:
        if self.concurrency > clients:
            yield f"`policy.concurrency` must be at most the number of clients, {clients}; found {self.concurrency}"
        yield from super().problems(clients, silent)


class FedBuff(Asynchronous):
    """Buffered asynchronous aggregation.

    Every `buffer` accepted updates make a new version; a row counts s(tau) times, with tau its staleness.

    Attributes
    ----------
    buffer : how many accepted updates make a new version.

    Source: Nguyen et al., "Federated Learning with Buffered Asynchronous Aggregation", AISTATS 2022, Algorithm 1
    (FedBuff).
    """

    kind: Literal["fedbuff"] = "fedbuff"
    buffer: PositiveInt
    staleness: AnyStaleness = PolynomialStaleness()

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(concurrency=6, buffer=3), cls(concurrency=4, buffer=4, max_staleness=2))

    def smallest(self, clients: int) -> int:
        return self.buffer

    @property
    def deciding(self) -> str:
        return "`policy.buffer`"


class FedAsync(Asynchronous):
    """Fully asynchronous aggregation: every accepted update makes a new version.

    The new model is (1 - alpha_t) x + alpha_t x_client, with alpha_t = mixing * s(tau).

    Attributes
    ----------
    mixing : the share of the new model that a fresh update has.

    Source: Xie, Koyejo and Gupta, "Asynchronous Federated Optimization", 2019, Algorithm 1 (FedAsync).
    """

    kind: Literal["fedasync"] = "fedasync"
    mixing: Annotated[float, Field(gt=0.0, le=1.0)] = 0.6

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(concurrency=3), cls(concurrency=2, mixing=1.0, staleness=PolynomialStaleness()))

    def smallest(self, clients: int) -> int:
        return 1

    @property
    def deciding(self) -> str:
        return "`policy.kind`"

    def discounts(self) -> Iterator[tuple[str, str]]:
        if self.mixing != 1.0:
            yield "`policy.mixing` must be 1", str(self.mixing)
        yield from super().discounts()

    def rows(self, batch: Sequence[Accepted], parameters: Vector, version: Version) -> Updates:
        models = torch.stack([item.update for item in batch]) + torch.stack([item.origin for item in batch])
        counts = self.staleness.weights(version - item.version for item in batch)
        shares = self.mixing * torch.tensor(counts, dtype=models.dtype, device=models.device)
        return (models - parameters) * shares[:, None]


async def _fill(server: "Server", policy: Asynchronous, size: int) -> None:
    """Collect accepted updates until the buffer holds `size`, and invite somebody new whenever a client is free."""
    state = server.state
    last = state.ledger.issued + MAX_TASKS_PER_UPDATE * size

    def take(message: tuple[ClientId, Payload]) -> bool:
        accepted = server.judge(*message)
        if accepted is not None:
            state.buffer.append(accepted)
        if len(state.buffer) == size:
            return True
        _staff(server, policy, last)
        return not state.ledger.open

    while len(state.buffer) < size:
        _staff(server, policy, last)
        if not state.ledger.open:
            await server.wait_for_a_client()
        elif not _gave_up(server, policy):
            await server.inbox.serve(take)


def _staff(server: "Server", policy: Asynchronous, last: int) -> None:
    """Invite until enough clients are busy, or no more can be.

    Stops a run that would invite clients for ever: a timeout shorter than training, say.
    """
    ledger = server.state.ledger
    if ledger.issued > last:
        raise RunFailed(
            f"round {server.state.round} came to no end: {MAX_TASKS_PER_UPDATE} tasks for each update wanted were not "
            "enough; is `policy.timeout` shorter than training, `policy.max_staleness` too small, or `faults` too hard?"
        )
    if (free := policy.concurrency - len(ledger.open)) > 0:
        server.invite(server.sample(free))


def _gave_up(server: "Server", policy: Asynchronous) -> bool:
    """Give up the tasks whose time is over, if no message waits; whether there were any. If not, set the next timer."""
    if policy.timeout is None:
        return False
    if not server.inbox.items and server.give_up(policy.timeout):
        return True
    server.set_timer(policy.timeout)
    return False
