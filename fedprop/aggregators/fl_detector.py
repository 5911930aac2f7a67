"""FLDetector: clients whose updates are not what their last ones let expect are removed for good."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import in_memory, mix
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.gaps import two_clusters
from fedprop.aggregators.quasi_newton import hessian_times
from fedprop.types import ClientId, Vector, Weights


class History(NamedTuple):
    """What the rule remembers.

    Attributes
    ----------
    model : the global model [d] of the last round; None before the first.
    mean : the mean update [d] of that round.
    updates : of each client that took part in it, the update [d].
    steps : how the model moved from round to round, the last of them last [m, d].
    changes : how the mean update changed with each of these [m, d].
    scores : the last scores of each client, the latest last.
    removed : who was removed, each with True.
    """

    model: Vector | None
    mean: Vector | None
    updates: Mapping[ClientId, Vector]
    steps: Tensor | None
    changes: Tensor | None
    scores: Mapping[ClientId, tuple[float, ...]]
    removed: Mapping[ClientId, bool]


EMPTY = History(None, None, {}, None, None, {}, {})
Known: TypeAlias = History | tuple[Any, ...]


class FLDetector(Aggregator):
    """The mean of the updates, without clients that were found to be inconsistent with themselves.

    From the last `window` steps of the global model and changes of the mean update, L-BFGS tells how updates change as
    the model does: H. A client that sent g before should send g + H (w - w before) now. How far it is from that, as a
    share of the distances of all clients of the round, is its score of the round. Once a client has `window` scores,
    their mean counts: if the means of the clients of the round fall into two clusters, by the gap statistic with
    `references` uniform samples, the clients of the higher cluster are removed, from this round on and for good.

    A client is scored in rounds that follow on one in which it took part, so that all should take part in all. Before
    there is a first step and change, H is zero. After a detection the paper has training begin anew; a rule cannot
    have that, and here its memory begins anew, but for who was removed. Clusters are those of least squared error,
    found by trying every cut, where the authors run k-means from random starts. With fewer than three clients that have
    scores enough nobody is removed. If all clients of a round are removed the answer is zero.

    The state holds the last update of every client, as much memory as the rows, and 2 `window` vectors beside.

    Attributes
    ----------
    window : how many rounds are remembered.
    references : how many uniform samples the gap statistic is measured by.

    Raises
    ------
    ServerUnknown
        If the cohort comes without the model or a generator.

    Source: Zhang, Cao, Jia and Gong, "FLDetector: Defending Federated Learning Against Model Poisoning Attacks via
    Detecting Malicious Clients", KDD 2022, Algorithms 1 and 2, reconstructed from memory, the authors' code in part and
    an independent implementation.

    >>> rule, draw = FLDetector(), torch.Generator()
    >>> rule.aggregate(Cohort(torch.tensor([[1.0], [3.0]]), model=torch.zeros(1), generator=draw)).value
    tensor([2.])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "what clients sent before"
    remembers: ClassVar[bool] = True
    cost: ClassVar[str] = "n d"

    kind: Literal["fl_detector"] = "fl_detector"
    window: PositiveInt = 10
    references: Annotated[int, Field(ge=2)] = 20

    @classmethod
    def examples(cls) -> tuple["FLDetector", ...]:
        return cls(), cls(window=1)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"model", "generator"})

    @property
    def needs_rounds(self) -> str:
        return "what a client should send follows from the models of two rounds, which all must have started from"

    def init(self) -> History:
        return EMPTY

    def contract(self) -> Contract:
        return Contract(permutation=True, scaling=True, orthogonal=True, examples="ignored", linear=True)

    def combine(self, cohort: Cohort, state: Known) -> Aggregation:
        past, rows = History(*state), in_memory(cohort.updates)
        model = cohort.model.to(rows)
        scores = self._scored(cohort, rows, model, past)
        found = self._found(cohort, scores, past.removed)
        removed = {**past.removed, **found}
        free = torch.tensor([client not in removed for client in cohort.clients], device=rows.device)
        weights = free.double() / free.sum().clamp(min=1)
        mean = mix(weights[None], rows)[0]
        after = EMPTY._replace(removed=removed)
        if not found:
            steps, changes = self._pairs(past, model, mean)
            updates = {client: row.clone() for client, row in zip(cohort.clients, rows, strict=True)}
            after = History(model.clone(), mean.clone(), updates, steps, changes, scores, removed)
        return Aggregation(mean, weights.to(rows.dtype), after)

    def _scored(self, cohort: Cohort, rows: Tensor, model: Vector, past: History) -> dict[ClientId, tuple[float, ...]]:
        """Everybody's last scores, this round's included."""
        known = [i for i, c in enumerate(cohort.clients) if c in past.updates and c not in past.removed]
        if not known:
            return dict(past.scores)
        assert past.model is not None
        expected = torch.zeros_like(model, dtype=torch.float64)
        if past.steps is not None and past.changes is not None:
            expected = hessian_times(past.steps.double(), past.changes.double(), model.double() - past.model.double())
        away = [(past.updates[cohort.clients[i]].double() + expected - rows[i].double()).norm() for i in known]
        after = dict(past.scores)
        for i, score in zip(known, _shares(torch.stack(away)).tolist(), strict=True):
            client = cohort.clients[i]
            after[client] = (*past.scores.get(client, ()), score)[-self.window :]
        return after

    def _found(
        self, cohort: Cohort, scores: Mapping[ClientId, tuple[float, ...]], removed: Mapping[ClientId, bool]
    ) -> dict[ClientId, bool]:
        """Who is removed in this round."""
        judged = [
            c for c in dict.fromkeys(cohort.clients) if c not in removed and len(scores.get(c, ())) == self.window
        ]
        means = torch.tensor([sum(scores[c]) / self.window for c in judged], dtype=torch.float64)
        bad = two_clusters(means, self.references, cohort.generator)
        return {client: True for client, is_bad in zip(judged, bad.tolist(), strict=True) if is_bad}

    def _pairs(self, past: History, model: Vector, mean: Vector) -> tuple[Tensor | None, Tensor | None]:
        """The last steps and changes; a step of length zero tells nothing."""
        if past.model is None or past.mean is None or torch.equal(past.model, model):
            return past.steps, past.changes
        step, change = (model - past.model)[None], (mean - past.mean)[None]
        if past.steps is None or past.changes is None:
            return step, change
        steps, changes = torch.cat([past.steps, step]), torch.cat([past.changes, change])
        return steps[-self.window :].clone(), changes[-self.window :].clone()


def _shares(away: Weights) -> Weights:
    """Each distance as a share of all; of distances beyond float64, which are infinite, each gets the same."""
    away = away if bool(torch.isfinite(away.sum())) else (~torch.isfinite(away)).double()
    return away / away.sum() if away.any() else away
