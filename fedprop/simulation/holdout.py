"""What each client keeps for testing, where a defense asks for it."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from fedprop.data.base import Examples
from fedprop.rng import generator
from fedprop.simulation.evaluation import Evaluator
from fedprop.training.task import Shards
from fedprop.types import ClientId, Vector


def hold_out(shards: Shards, share: float, seed: int) -> tuple[Shards, Shards]:
    """Everybody's data for training and for testing, at random.

    With a share above 0, whoever holds two examples or more tests on at least one and trains on at least one; a single
    one is for training.
    """
    pairs = [_split(part, share, generator(seed, "holdout", client)) for client, part in enumerate(shards.parts)]
    train, test = zip(*pairs, strict=True)
    return replace(shards, parts=train), replace(shards, parts=test)


def _split(part: Tensor, share: float, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    kept = max(0, min(len(part) - 1, max(1, round(share * len(part))))) if share else 0
    order = torch.randperm(len(part), generator=stream).to(part.device)
    return part[order[kept:]], part[order[:kept]]


class LocalTests:
    """Tests models on what each client holds out, on one module for all."""

    def __init__(self, module: nn.Module, held: Shards) -> None:
        self._evaluate = Evaluator(module, held.pool, held.task)
        self._held = held

    def __call__(self, client: ClientId, parameters: Vector) -> float | None:
        """The accuracy in [0, 1] of a model [d]; None for a client that holds nothing out."""
        part, pool = self._held.parts[client], self._held.pool
        if not len(part):
            return None
        return self._evaluate.score(parameters, Examples(pool.x[part], pool.y[part])).accuracy
