"""What an engine is made from, and who then runs it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from fedprop.params import copy_module
from fedprop.privacy.config import LocalPrivacy
from fedprop.training.channels_last import store_channels_last
from fedprop.training.config import Engine, LocalTraining
from fedprop.training.memory import clients_that_fit
from fedprop.training.private_vectorized import PrivateVectorized
from fedprop.training.randomness import Draws
from fedprop.training.sequential import Sequential
from fedprop.training.steering import Steering
from fedprop.training.task import Shards, Ticket, Train
from fedprop.training.vectorized import Vectorized
from fedprop.training.workers import Workers, cut


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that an engine is made from.

    How tickets are cut into groups does not depend on who trains them or how many do, so neither do the results.

    Attributes
    ----------
    members : how many clients an engine trains in one pass.
    """

    kind: Engine
    draws: Draws
    module: nn.Module
    shards: Shards
    config: LocalTraining
    seed: int
    members: int = 1
    steering: Steering | None = None

    @classmethod
    def of(
        cls,
        kind: Engine,
        draws: Draws,
        module: nn.Module,
        shards: Shards,
        config: LocalTraining,
        seed: int,
        steering: Steering | None,
    ) -> "Recipe":
        """With as many members as fit, and weights stored as they are fastest; the module is copied."""
        module, x, members = copy_module(module), shards.pool.x, 1
        if kind == "vectorized":
            members = clients_that_fit(module, x, config)
        else:
            store_channels_last(module, x)
        return cls(kind, draws, module, shards, config, seed, members, steering)

    def engine(self) -> Train:
        """An engine for one thread, with a copy of the module."""
        parts = copy_module(self.module), self.shards, self.config, self.seed
        if self.kind == "vectorized":
            return stack(*parts, members=self.members, steering=self.steering)
        return one_at_a_time(*parts, self.draws, self.steering)

    def here(self) -> Train:
        """What trains on this machine: one engine on a GPU, where it is one stack, and for shared random numbers.

        Elsewhere an engine for each worker; of stacks on a CPU none is so large that it falls out of the caches.
        """
        if self._is_alone:
            return self.engine()
        return Workers(self.engine, together=self.members)

    def groups(self, tickets: Sequence[Ticket]) -> list[Sequence[Ticket]]:
        """The tickets as `here` trains them together."""
        if self._is_alone:
            return [tickets[i : i + self.members] for i in range(0, len(tickets), self.members)]
        return cut(tickets, self.members)

    @property
    def _is_alone(self) -> bool:
        return self.kind == "sequential" or (self.kind == "vectorized" and self.shards.pool.x.is_cuda)

    def on(self, device: torch.device) -> "Recipe":
        """The same, on another device."""
        pool, parts = self.shards.pool.to(device), tuple(part.to(device) for part in self.shards.parts)
        shards = replace(self.shards, pool=pool, parts=parts)
        return replace(self, module=copy_module(self.module).to(device), shards=shards)


def stack(
    module: nn.Module,
    shards: Shards,
    config: LocalTraining,
    seed: int,
    *,
    members: int,
    steering: Steering | None = None,
) -> Train:
    """An engine that trains up to so many clients in one pass."""
    if config.privacy is None:
        return Vectorized(module, shards, config, seed, members=members, steering=steering)
    privacy: LocalPrivacy = config.privacy
    return PrivateVectorized(module, shards, config, seed, privacy=privacy, members=members, steering=steering)


def one_at_a_time(
    module: nn.Module,
    shards: Shards,
    config: LocalTraining,
    seed: int,
    draws: Draws,
    steering: Steering | None = None,
) -> Train:
    """An engine that trains one client after the other."""
    if config.privacy is None:
        return Sequential(module, shards, config, seed, draws=draws, steering=steering)
    from fedprop.training.private_sequential import PrivateSequential  # imports opacus

    return PrivateSequential(module, shards, config, seed, privacy=config.privacy, draws=draws, steering=steering)
