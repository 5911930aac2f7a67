"""MAB-RFL's bandit: each client is an arm, and being accepted is its reward."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedprop.types import ClientId, Round, Vector


class Arm(NamedTuple):
    """What the server remembers of a client.

    Attributes
    ----------
    accepted, rejected : the parameters of its Beta distribution: one more than how often it was either.
    momentum : which way it has been moving [d], of length 1, or 0 if it never moved; None before its first update.
    seen : the round of its last update.
    """

    accepted: int = 1
    rejected: int = 1
    momentum: Vector | None = None
    seen: Round = 0

    def moved(self, update: Vector, round: Round, mu: float) -> "Arm":
        """After an update [d] in a round: m <- direction of (update + mu^(rounds since) * m), in float64."""
        row = update.double()
        if self.momentum is not None:
            row = row + mu ** (round - self.seen) * self.momentum.to(row)
        length = torch.linalg.vector_norm(row)
        return self._replace(momentum=(row / length if length > 0 else row).to(update), seen=round)

    def rewarded(self, accepted: bool) -> "Arm":
        """After a round in which it was accepted, or rejected."""
        return self._replace(accepted=self.accepted + accepted, rejected=self.rejected + (not accepted))

    @property
    def suspicion(self) -> float:
        """One minus the mean of its Beta distribution."""
        return self.rejected / (self.accepted + self.rejected)


def arms_of(memory: Mapping[ClientId, tuple[object, ...]]) -> dict[ClientId, Arm]:
    """The arms, as a checkpoint may have left them."""
    return {client: Arm(*record) for client, record in memory.items()}  # type: ignore[arg-type]


def pulled(
    clients: Sequence[ClientId], arms: Mapping[ClientId, Arm], generator: torch.Generator, *, sure: float, never: float
) -> list[ClientId]:
    """Whom a draw of each Beta distribution selects: p >= `sure` always, p <= `never` not, the rest by a coin of p.

    If that is nobody, it is everybody.
    """
    draw = _numpy(generator)
    taken = []
    for client in sorted(clients):
        arm = arms.get(client, Arm())
        p, coin = draw.beta(arm.accepted, arm.rejected), draw.random()
        if p >= sure or (p > never and coin < p):
            taken.append(client)
    return taken or sorted(clients)


def some(clients: Sequence[ClientId], wanted: int, generator: torch.Generator) -> list[ClientId]:
    """As many of the clients as are wanted, uniformly at random, in order."""
    if len(clients) <= wanted:
        return sorted(clients)
    order: Tensor = torch.randperm(len(clients), generator=generator)
    return sorted(clients[place] for place in order[:wanted].tolist())


def _numpy(generator: torch.Generator) -> np.random.Generator:
    """NumPy's generator, which draws from a Beta distribution; torch has none that takes a generator."""
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
