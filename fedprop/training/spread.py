"""Local training spread over actors on a Ray cluster, which hold the shards and all else that does not change."""

from collections.abc import Sequence
from functools import partial
from itertools import chain, pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from fedprop.cluster.crew import RayCrew, Shared
from fedprop.training.recipe import Recipe
from fedprop.training.task import LocalResult, Ticket
from fedprop.types import ClientId, Round, Vector

Array: TypeAlias = NDArray[np.floating]

BUNDLES = 4
"""In how many bundles an actor gets its share of the groups: one that is slow leaves some of them to the others."""


class _Told(NamedTuple):
    """A ticket, with places among the models sent along for the vectors themselves."""

    client: ClientId
    task: int
    round: Round
    origin: int
    start: int | None


class _Bundle(NamedTuple):
    """Groups of tickets for one of the engines, and the models that they speak of."""

    engine: int
    groups: list[list[_Told]]
    models: dict[int, Shared[Array]]


class _Learnt(NamedTuple):
    """Results of a bundle: updates [k, d], and examples, steps and loss of each."""

    updates: Array
    rest: list[tuple[int, int, float]]


class _Engines:
    """What an actor holds."""

    def __init__(self, recipes: Sequence[Recipe], device: str) -> None:
        torch.set_num_threads(1)
        self.device = torch.device(device)
        self.engines = [recipe.on(self.device).engine() for recipe in recipes]

    def train(self, bundle: _Bundle) -> _Learnt:
        """The results of the groups, trained as they are on one machine."""
        models = {place: self._vector(shared) for place, shared in bundle.models.items()}
        train = self.engines[bundle.engine]
        results = list(chain.from_iterable(train([_ticket(told, models) for told in g]) for g in bundle.groups))
        updates = torch.stack([result.update for result in results]).cpu().numpy()
        return _Learnt(updates, [(result.examples, result.steps, result.loss) for result in results])

    def _vector(self, shared: Shared[Array]) -> Vector:
        # A copy: what Ray hands out must not be written to, and need not lie in memory as torch's own does.
        return torch.from_numpy(shared.value().copy()).to(self.device)


class Spread:
    """Trains tickets on the actors of a crew."""

    def __init__(self, recipe: Recipe, crew: RayCrew[_Engines], engine: int) -> None:
        self._recipe = recipe
        self._crew = crew
        self._engine = engine

    def __call__(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        groups = self._recipe.groups(tickets)
        models = {id(v): v for t in tickets for v in (t.origin, t.start) if v is not None}
        shared = {place: self._crew.share(v.detach().cpu().numpy()) for place, v in models.items()}
        count = min(len(groups), BUNDLES * self._crew.count)
        ends = [len(groups) * i // count for i in range(count + 1)] if groups else []
        bundles = [self._bundle(groups[begin:end], shared) for begin, end in pairwise(ends)]
        learnt = self._crew.map(_Engines.train, bundles)
        return [result for bundle, found in zip(bundles, learnt, strict=True) for result in self._results(found)]

    def _bundle(self, groups: Sequence[Sequence[Ticket]], shared: dict[int, Shared[Array]]) -> _Bundle:
        told = [[_told(ticket) for ticket in group] for group in groups]
        named = {place for group in told for t in group for place in (t.origin, t.start) if place is not None}
        return _Bundle(self._engine, told, {place: shared[place] for place in named})

    def _results(self, found: _Learnt) -> list[LocalResult]:
        updates = torch.from_numpy(found.updates.copy()).to(self._recipe.shards.pool.x.device)
        return [LocalResult(update, *rest) for update, rest in zip(updates, found.rest, strict=True)]


def spread(recipes: Sequence[Recipe]) -> list[Spread]:
    """An engine for each of the recipes, all of them on the same actors. Raises as `RayCrew` does."""
    on_gpu = recipes[0].shards.pool.x.is_cuda
    sent = [recipe.on(torch.device("cpu")) for recipe in recipes]
    make = partial(_Engines, sent, "cuda" if on_gpu else "cpu")
    what = "`training.engine` ray: model, task and defense"
    crew = RayCrew(make, what, gpus=int(on_gpu))
    return [Spread(recipe, crew, number) for number, recipe in enumerate(recipes)]


def _told(ticket: Ticket) -> _Told:
    start = None if ticket.start is None else id(ticket.start)
    return _Told(ticket.client, ticket.task, ticket.round, id(ticket.origin), start)


def _ticket(told: _Told, models: dict[int, Vector]) -> Ticket:
    start = None if told.start is None else models[told.start]
    return Ticket(told.client, told.task, models[told.origin], start, told.round)
