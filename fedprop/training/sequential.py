"""Local training one client at a time, with torch's own optimizer: slow, plain, and the measure of the fast way."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from fedprop.cores import one_thread
from fedprop.draws import OwnDraws, seeded
from fedprop.params import ParameterLayout, copy_module
from fedprop.rng import generator, key
from fedprop.training.alone import Alone
from fedprop.training.batches import plan
from fedprop.training.config import LocalTraining
from fedprop.training.randomness import Draws
from fedprop.training.steered import steered
from fedprop.training.steering import Steering
from fedprop.training.task import LocalResult, Shards, Ticket

Differentiate: TypeAlias = Callable[[Tensor, Tensor], Tensor]
Forward: TypeAlias = AbstractContextManager[Any]


class Sequential:
    """Trains tickets one after the other in one reused module.

    `draws` tells where the module's random numbers come from. With "shared" generators, which belong to the whole
    process, one of these at a time is at work; else several may train side by side.
    """

    def __init__(
        self,
        module: nn.Module,
        shards: Shards,
        config: LocalTraining,
        seed: int,
        *,
        draws: Draws = "shared",
        steering: Steering | None = None,
    ) -> None:
        self.module = module.train()
        self.layout = ParameterLayout.of(module)
        self.shards = shards
        self.config = config
        self.seed = seed
        self.draws = draws
        self.steering = steering
        # A copy of its own, since private training hooks into every forward pass of the module.
        self._asked = self.module if steering is None else copy_module(self.module)

    def __call__(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        with one_thread():
            return [self.train(ticket) for ticket in tickets]

    def train(self, ticket: Ticket) -> LocalResult:
        """What one ticket yields."""
        part = self.shards.parts[ticket.client]
        batches = plan(len(part), self.config, generator(self.seed, "train", ticket.client, ticket.task))
        self.layout.load(self.module, ticket.first)
        optimizer = self._optimizer(ticket)
        layers = key(self.seed, "layers", ticket.client, ticket.task)
        differentiate = self._differentiator(
            ticket, optimizer, OwnDraws(layers) if self.draws == "own" else nullcontext()
        )
        losses = []
        steered = self._steered(ticket)
        with seeded(layers, ticket.origin.device) if self.draws == "shared" else nullcontext():
            for step, batch in enumerate(batches):
                rows = part[batch.to(part.device)]
                x, y = self.shards.pool.x[rows], self.shards.pool.y[rows]
                losses.append(differentiate(x, y))
                if self.config.proximal:
                    self._pull_towards(ticket.origin)
                if steered is not None:
                    steered.bend(step, x, y)
                if self.config.clip_norm is not None:
                    clip_grad_norm_(self.module.parameters(), self.config.clip_norm)
                optimizer.step()
                if steered is not None:
                    steered.push()
        return LocalResult(
            update=self.layout.flatten(self.module) - ticket.origin,
            examples=self.shards.owned(ticket.client),
            steps=len(batches),
            loss=float(torch.stack(losses).mean()) if losses else 0.0,
        )

    def _optimizer(self, ticket: Ticket) -> torch.optim.Optimizer:
        config, lr = self.config, self.config.rate(ticket.round)
        trainable = [p for p in self.module.parameters() if p.requires_grad]
        if config.optimizer == "adam":
            return torch.optim.Adam(trainable, lr=lr, weight_decay=config.weight_decay)
        return torch.optim.SGD(trainable, lr=lr, momentum=config.momentum, weight_decay=config.weight_decay)

    def _differentiator(self, ticket: Ticket, optimizer: torch.optim.Optimizer, forward: Forward) -> Differentiate:
        """What leaves the gradient of each batch of a task in the parameters, and returns the loss.

        Forward passes are made within `forward`.
        """

        def differentiate(x: Tensor, y: Tensor) -> Tensor:
            optimizer.zero_grad()
            with forward:
                loss = self.shards.task.loss(self.module(x), y)
            torch.autograd.backward(loss)
            return loss.detach()

        return differentiate

    def _steered(self, ticket: Ticket) -> Alone | None:
        work = steered(self.steering, [ticket], self.shards, self.config, self.seed)
        return None if work is None else Alone(work, self.module, self._asked, self.layout.views(ticket.origin)[0])

    def _pull_towards(self, origin: Tensor) -> None:
        start, _ = self.layout.views(origin)
        for name, parameter in self.module.named_parameters():
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - start[name], alpha=self.config.proximal)
