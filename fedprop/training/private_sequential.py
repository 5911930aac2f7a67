"""Private local training one client at a time, by opacus: the measure of the fast way."""

import torch
from torch import Tensor, nn

from fedprop.privacy.config import LocalPrivacy, expected_batch
from fedprop.privacy.per_example import PerExample, PrivateGradients
from fedprop.rng import generator
from fedprop.training.config import LocalTraining
from fedprop.training.randomness import Draws
from fedprop.training.sequential import Differentiate, Forward, Sequential
from fedprop.training.steering import Steering
from fedprop.training.task import Shards, Ticket


class PrivateSequential(Sequential):
    """Trains with private gradients. What the losses tell of the examples no noise covers, so none is given out."""

    def __init__(
        self,
        module: nn.Module,
        shards: Shards,
        config: LocalTraining,
        seed: int,
        *,
        privacy: LocalPrivacy,
        draws: Draws = "shared",
        steering: Steering | None = None,
    ) -> None:
        super().__init__(module, shards, config, seed, draws=draws, steering=steering)
        self._privacy = privacy
        self._examples = PerExample(self.module, shards.task)

    def _differentiator(self, ticket: Ticket, optimizer: torch.optim.Optimizer, forward: Forward) -> Differentiate:
        gradients = PrivateGradients(
            self._examples,
            optimizer,
            self._privacy,
            batch=expected_batch(self.shards.count(ticket.client), self.config.batch_size),
            generator=generator(self.seed, "noise", ticket.client, ticket.task),
            forward=forward,
        )

        def differentiate(x: Tensor, y: Tensor) -> Tensor:
            gradients.differentiate(x, y)
            return ticket.origin.new_zeros(())

        return differentiate
