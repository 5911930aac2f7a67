"""Local training of many clients in one pass, in chunks of clients that fit into memory."""

import warnings
from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from fedprop.errors import RunFailed
from fedprop.rng import generator
from fedprop.training.batches import draw
from fedprop.training.config import LocalTraining
from fedprop.training.memory import is_exhausted
from fedprop.training.schedule import Schedule
from fedprop.training.stacked import Rates, StackedDescent
from fedprop.training.steered import Steered, steered
from fedprop.training.steering import Steering
from fedprop.training.task import LocalResult, Shards, Ticket


class Vectorized:
    """Trains tickets together, at most `members` at a time; where that is too much for the memory, half as many."""

    def __init__(
        self,
        module: nn.Module,
        shards: Shards,
        config: LocalTraining,
        seed: int,
        *,
        members: int,
        steering: Steering | None = None,
    ) -> None:
        self.steering = steering
        self.shards = shards
        self.config = config
        self.seed = seed
        self.descend = StackedDescent(module, shards.pool, config, shards.task)
        self._held = shards.held
        self._starts = [0, *accumulate(shards.sizes)]
        self.members = members

    def __call__(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        results: list[LocalResult] = []
        while len(results) < len(tickets):
            results += self._train_what_fits(tickets[len(results) : len(results) + self.members])
        return results

    def _train_what_fits(self, chunk: Sequence[Ticket]) -> list[LocalResult]:
        """The results of a chunk; none if it does not fit into memory, and then chunks become smaller."""
        try:
            return self._train(chunk)
        except RuntimeError as error:
            if not is_exhausted(error):
                raise
            if len(chunk) == 1:
                raise RunFailed(f"one client's training must fit into memory; found: {error}") from error
        # Only here, with the error gone, are the tensors free that its traceback held.
        self.members = len(chunk) // 2
        warnings.warn(
            f"{len(chunk)} clients at once do not fit into memory; training goes on with {self.members} at a time",
            RuntimeWarning,
            stacklevel=2,
        )
        return []

    def _train(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        drawn, sizes = zip(*map(self._draw, tickets), strict=True)
        order = sorted(range(len(tickets)), key=lambda i: -len(sizes[i]))
        places = torch.cat([drawn[i] for i in order])
        schedule = Schedule(self._held[places.to(self._held.device)], [sizes[i] for i in order])
        states, losses = self._run([tickets[i] for i in order], schedule)
        results: dict[int, LocalResult] = {}
        for i, state, loss in zip(order, states, losses.tolist(), strict=True):
            examples, steps = self.shards.owned(tickets[i].client), len(sizes[i])
            update = state - tickets[i].origin
            results[i] = LocalResult(update=update, examples=examples, steps=steps, loss=loss / max(1, steps))
        return [results[i] for i in range(len(tickets))]

    def _run(self, tickets: Sequence[Ticket], schedule: Schedule) -> tuple[Tensor, Tensor]:
        """The final states [k, d] of clients in the schedule's order, and their summed losses [k]."""
        return self.descend(*models(tickets), self._rates(tickets), schedule, steered=self._steered(tickets))

    def _steered(self, tickets: Sequence[Ticket]) -> Steered | None:
        return steered(self.steering, tickets, self.shards, self.config, self.seed)

    def _rates(self, tickets: Sequence[Ticket]) -> Rates:
        """The learning rates; one for each client wherever they may differ, so that nobody's depends on the others."""
        if not self.config.lr_schedule:
            return self.config.lr
        rates = [self.config.rate(ticket.round) for ticket in tickets]
        return torch.tensor(rates, dtype=torch.float64, device=tickets[0].origin.device)

    def _draw(self, ticket: Ticket) -> tuple[Tensor, list[int]]:
        """The examples of all steps, as places in `_held`, and how many each step sees."""
        stream = generator(self.seed, "train", ticket.client, ticket.task)
        drawn, sizes = draw(self.shards.count(ticket.client), self.config, stream)
        return drawn + self._starts[ticket.client], sizes


def models(tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
    """What clients start from and what they were sent [k, d]; one tensor if that is the same."""
    origins = torch.stack([ticket.origin for ticket in tickets])
    elsewhere = any(ticket.start is not None for ticket in tickets)
    return torch.stack([ticket.first for ticket in tickets]) if elsewhere else origins, origins
