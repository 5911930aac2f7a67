"""Anomaly detection in two stages ("three sigma"): whom earlier rounds make suspect, and who is far from the centre."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import torch
from pydantic import Field
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import AddedRows, JoinedRows, Rows, map_blocks, mix, take
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.krum import krum_scores
from fedprop.aggregators.views import Seen, seen_in_proportion, squared_distances
from fedprop.aggregators.weighting import Weighting, row_weights
from fedprop.types import Gram, NonNegative, Vector, Weights

TIE = 1e-9
"""Scores that differ by this share count as equal: rounding may set them so far apart."""

Memory: TypeAlias = Mapping[str, Any]
"""Under "models" the last accepted model of each client, under "centre" the mean of those of the last round."""


class ThreeSigma(FramedRule):
    """The mean of the models but those that earlier rounds make suspect and that lie far from the last ones.

    First stage: a client is suspect if the cosine of its model with the global one, or with the last model of its own
    that was accepted, is below `gamma`. If nobody is, all are averaged. In the first round all are suspect. Second
    stage: each model's score is its distance from the centre, the mean of the models accepted in the last round; in the
    first that of the ceil(n / 2) - 1 models with the best Krum scores over as many neighbours (at least one of each).
    Of equal scores all count there, since with one neighbour there always are two. Suspects whose score is above the
    mean of all scores plus `lambda_` sample deviations are left out. That is 0.5 by default and on one side only, the
    name notwithstanding.

    Some score is at most the mean, so somebody is always left. A model of zeros has the cosine 0. The rule asks for the
    global model; its state holds a model for each client, as large as all of them together. Costs n^2 d.

    One giant raises the limit for all others, so there is no bound on where the answer lies.

    Attributes
    ----------
    gamma : the cosine below which a client is suspect.
    lambda_ : how many deviations above the mean a score may be.
    weighting : what a row counts in the mean: `uniform`, its sender's claimed number of `examples`, or that `capped`.

    Source: Han et al., "Kick Bad Guys Out!", 2023, as FedSecurity (Han et al. 2024, Table 1) has it in FedML's code.
    That compares the last but one layer of each model, here all of it; reconstructed, and the default gamma is ours.

    >>> rows = torch.tensor([[0.0, 0.1], [0.1, 0.0], [0.0, 0.0], [0.1, 0.1], [9.0, -9.0]])
    >>> ThreeSigma().aggregate(Cohort(rows, model=torch.ones(2))).value
    tensor([0.0500, 0.0500])
    """

    remembers: ClassVar[bool] = True

    kind: Literal["three_sigma"] = "three_sigma"
    gamma: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.5
    lambda_: NonNegative = 0.5
    weighting: Weighting = "uniform"

    @classmethod
    def examples(cls) -> tuple["ThreeSigma", ...]:
        return (cls(), cls(gamma=0.9, lambda_=1.0, weighting="capped"))

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"model"})

    def init(self) -> Memory:
        return {"centre": None, "models": {}}

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            examples="ignored" if self.weighting == "uniform" else None,
            linear=True,
            lies_in=Region.HULL,
        )

    def frame(self, cohort: Cohort, state: Memory) -> Seen:
        """The updates; then, as updates, the global model, that of zeros, the centre, and the last ones of clients."""
        model = cohort.model.to(cohort.updates.device)[None]
        own = [torch.zeros_like(model), -model]
        known = [] if state["centre"] is None else [state["centre"]]
        known += [state["models"][client] for client in cohort.clients if client in state["models"]]
        before = [AddedRows(JoinedRows(*(vector.to(model)[None] for vector in known)), model, -1.0)] if known else []
        return seen_in_proportion(JoinedRows(cohort.updates, *own, *before), self)

    def judge(self, view: Seen, cohort: Cohort, state: Memory) -> Judged:
        n = len(cohort.updates)
        accepted = self._accepted(view.gram, cohort, state, n)
        weights = row_weights(cohort, self.weighting).where(accepted, 0)
        weights = weights if weights.any() else accepted.double()
        return Judged(weights / weights.sum(), _remembered(accepted, cohort, state))

    def _accepted(self, gram: Gram, cohort: Cohort, state: Memory, n: int) -> Tensor:
        everybody = torch.ones(n, dtype=torch.bool, device=gram.device)
        first = state["centre"] is None
        suspect = everybody if first else self._suspect(gram, cohort, state, n)
        if n == 1 or not suspect.any():
            return everybody
        units = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        centre = _inmost(gram[:n, :n]) @ units[:n] if first else units[n + 2]
        ways = units[:n] - centre
        scores = ((ways @ gram) * ways).sum(dim=1).clamp(min=0).sqrt()
        limit = scores.mean() + self.lambda_ * scores.std()
        return ~(suspect & (scores > limit + TIE * scores.max()))

    def _suspect(self, gram: Gram, cohort: Cohort, state: Memory, n: int) -> Tensor:
        units = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        models = units - units[n + 1]
        had = [i for i, client in enumerate(cohort.clients) if client in state["models"]]
        suspect = _cosines(gram, models[:n], models[n].expand(n, -1)) < self.gamma
        suspect[had] |= _cosines(gram, models[had], models[n + 3 :]) < self.gamma
        return suspect


def _cosines(gram: Gram, a: Tensor, b: Tensor) -> Tensor:
    """The cosines of mixtures `a` and `b` [k, m] of rows with these inner products; 0 where one has no length."""
    lengths = [((each @ gram) * each).sum(dim=1).clamp(min=0).sqrt() for each in (a, b)]
    both = lengths[0] * lengths[1]
    return (((a @ gram) * b).sum(dim=1) / both).where(both > 0, 0)


def _inmost(gram: Gram) -> Weights:
    """The weights of the mean of the rows with the best Krum scores, nearly half of all over as many neighbours."""
    n = len(gram)
    few = max(1, -(-n // 2) - 1)
    scores = krum_scores(squared_distances(gram), few)
    best = (scores <= scores.sort().values[few - 1] * (1 + TIE)).to(gram.dtype)
    return best / best.sum()


def _remembered(accepted: Tensor, cohort: Cohort, state: Memory) -> Memory:
    """The state after this round: models of who was accepted take the place of those before."""
    chosen = accepted.nonzero().flatten()
    rows: Rows = take(cohort.updates, chosen)
    model = cohort.model.to(rows.device)
    kept: list[Vector] = [torch.empty_like(model, dtype=rows.dtype) for _ in range(len(chosen))]
    start = 0
    for block in map_blocks(lambda block: block, AddedRows(rows, model[None])):
        for vector, part in zip(kept, block, strict=True):
            vector[start : start + block.shape[1]] = part
        start += block.shape[1]
    mean = mix(torch.full((1, len(chosen)), 1 / len(chosen), dtype=torch.float64, device=rows.device), rows)[0]
    clients = [cohort.clients[i] for i in chosen.tolist()]
    return {"centre": mean + model.to(mean), "models": {**state["models"], **dict(zip(clients, kept, strict=True))}}
