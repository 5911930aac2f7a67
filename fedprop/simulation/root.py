"""The server's own examples at work: it tests candidates on them, and trains on them as a client would."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from fedprop.data.base import Examples
from fedprop.rng import generator
from fedprop.simulation.evaluation import Evaluator, Score
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training.config import LocalTraining
from fedprop.training.engine import make_engine
from fedprop.training.task import Shards, Ticket, Train
from fedprop.types import ClientId, Round, Updates, Vector, Weights


class RootBench:
    """Tests and trains models on the server's examples, as the client `trainer`, who is nobody else."""

    def __init__(
        self,
        module: nn.Module,
        root: Examples,
        training: LocalTraining,
        *,
        seed: int,
        trainer: ClientId,
        task: Task = CLASSIFICATION,
    ) -> None:
        self.test = Evaluator(module, root, task)
        everything = torch.arange(len(root), device=root.y.device)
        nobody = everything[:0]
        shards = Shards(root, (*([nobody] * trainer), everything), task)
        self._train = make_engine(module, shards, training, seed)
        self._trainer = trainer
        self._engine = partial(make_engine, module, config=training, seed=seed)
        self._root, self._task, self._seed = root, task, seed
        self._rehearsing: dict[int, Train] = {}

    def at(self, parameters: Vector, round: Round) -> "RootView":
        """What can be found out in a round that begins from these global parameters [d]."""
        return RootView(self, parameters, round)

    def train(self, parameters: Vector, round: Round) -> Vector:
        """The update that training from these parameters yields."""
        (result,) = self._train([Ticket(self._trainer, round, parameters, round=round)])
        return result.update

    def rehearse(self, parameters: Vector, round: Round, count: int) -> Updates:
        """The updates [count, d] of clients, nobody else either, that hold samples of the server's examples."""
        first = self._trainer + 1
        if count not in self._rehearsing:
            sizes = (len(self._root), (len(self._root),))
            samples = [torch.randint(*sizes, generator=generator(self._seed, "rehearsal", i)) for i in range(count)]
            nobody = torch.arange(0, device=self._root.y.device)
            parts = (*([nobody] * first), *(sample.to(nobody.device) for sample in samples))
            self._rehearsing[count] = self._engine(Shards(self._root, parts, self._task))
        tickets = [Ticket(first + i, round, parameters, round=round) for i in range(count)]
        return torch.stack([result.update for result in self._rehearsing[count](tickets)])


@dataclass(frozen=True, eq=False)
class RootView:
    """The server's examples and one global model; see `fedprop.aggregators.server_side.ServerSide`."""

    bench: RootBench
    parameters: Vector
    round: Round

    def losses(self, candidates: Updates) -> Weights:
        """The mean loss of the global model moved by each of the candidates."""
        return self._measured(candidates, lambda score: score.loss)

    def accuracies(self, candidates: Updates) -> Weights:
        """The accuracy in [0, 1] of the global model moved by each of the candidates."""
        return self._measured(candidates, lambda score: score.accuracy)

    def _measured(self, candidates: Updates, number: Callable[[Score], float]) -> Weights:
        found = [number(self.bench.test(self.parameters + update)) for update in candidates]
        return torch.tensor(found, dtype=torch.float64, device=candidates.device)

    def reference(self) -> Vector:
        """The update that training on the server's examples yields."""
        return self.bench.train(self.parameters, self.round)

    def rehearsals(self, count: int) -> Updates:
        """The updates of made-up clients that train on samples of the server's examples."""
        return self.bench.rehearse(self.parameters, self.round, count)
