"""Adaptive federated averaging (AFA): models that point elsewhere are left out, and clients earn a reputation."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import JoinedRows
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.views import Seen, seen
from fedprop.aggregators.weighting import Weighting, row_counts
from fedprop.types import ClientId, NonNegative, Positive, Weights

SAME = 1e-12
"""Cosines this close count as equal, since rounding alone can set them so far apart."""

Reputations: TypeAlias = Mapping[ClientId, tuple[int, int]]
"""For each client that has taken part, the two parameters of the Beta distribution of its being good."""


class AFA(FramedRule):
    """The mean of the models by reputation and claimed examples, without those whose direction stands out.

    Every client has a reputation, the mean p = alpha / (alpha + beta) of a Beta distribution. The models of the clients
    that are not blocked are averaged with weights p * examples; s_k is the cosine of that average with model k. If the
    mean of all s is below their median, models with s_k < median - xi * sigma are left out, otherwise those with
    s_k > median + xi * sigma, where sigma is the standard deviation over those that are left; xi grows by `xi_step`,
    and all is done again until nobody is left out. Then alpha of those that are left grows by 1, and beta of the
    others; a client that is good in less than half of its rounds with a probability above `delta` is blocked, and
    counts no more from the next round on.

    The paper compares models, not updates: the rule asks for the global model. The answer is the weighted mean of the
    updates, which moves the global model to that of the models. A model of zeros has the cosine 0;
    cosines within 1e-12 of the limit are good,
    and a mean that is so close to the median is not below it. Where all claims are
    zero, examples do not count; if everybody is blocked, the answer is zero.

    Claimed examples are believed, as published, so that whoever claims many pulls the average towards itself before
    anything is judged; `weighting` says otherwise.

    Attributes
    ----------
    alpha, beta : the parameters of a new client.
    xi, xi_step : how many standard deviations are still good, and by how much that grows with each pass.
    delta : how certain it must be that a client is bad for it to be blocked.
    weighting : what stands for claimed examples above: these, these `capped`, or the same number for all (`uniform`).

    Raises
    ------
    ServerUnknown
        If the cohort comes without the model.

    Source: Munoz-Gonzalez, Co and Lupu, "Byzantine-Robust Federated Machine Learning through Adaptive Model
    Averaging", 2019, Algorithm 1, reconstructed from two independent implementations; xi_step = 0.5 as in one of them.

    >>> rows = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [-9.0, 4.0]])
    >>> AFA().aggregate(Cohort(rows, model=torch.zeros(2))).value
    tensor([1., 0.])
    """

    remembers: ClassVar[bool] = True

    kind: Literal["afa"] = "afa"
    alpha: PositiveInt = 3
    beta: PositiveInt = 3
    xi: Positive = 2.0
    xi_step: NonNegative = 0.5
    delta: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    weighting: Weighting = "examples"

    @classmethod
    def examples(cls) -> tuple["AFA", ...]:
        return (cls(), cls(xi=1.0, xi_step=0.25, weighting="capped"), cls(weighting="uniform"))

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"model"})

    def init(self) -> Reputations:
        return {}

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

    def frame(self, cohort: Cohort, state: Reputations) -> Seen:
        """The updates and, after them, the place of the model of zeros among them: cosines are angles seen from it."""
        return seen(JoinedRows(cohort.updates, -cohort.model.to(cohort.updates.device)[None]), self)

    def judge(self, view: Seen, cohort: Cohort, state: Reputations) -> Judged:
        known = [state.get(client, (self.alpha, self.beta)) for client in cohort.clients]
        free = torch.tensor([_chance_below_half(*pair) <= self.delta for pair in known], device=view.gram.device)
        trust = view.gram.new_tensor([alpha / (alpha + beta) for alpha, beta in known])
        counts = row_counts(cohort, self.weighting)
        good = self._good(view.gram, trust, counts, free)
        after = dict(state)
        for client, used, right in zip(cohort.clients, free.tolist(), good.tolist(), strict=True):
            alpha, beta = after.get(client, (self.alpha, self.beta))
            after[client] = (alpha + (used and right), beta + (used and not right))
        return Judged(_shares(trust, counts, good), after)

    def _good(self, gram: Tensor, trust: Weights, counts: Weights, free: Tensor) -> Tensor:
        """Which clients are left in the end."""
        good, xi = free, self.xi
        while good.any():
            apart = _away(gram, _shares(trust, counts, good))
            left = apart[good].sort().values
            median = (left[(len(left) - 1) // 2] + left[len(left) // 2]) / 2
            reach = xi * left.std(correction=0) + SAME
            bad = apart > median + reach if left.mean() > median + SAME else apart < median - reach
            if not (bad & good).any():
                break
            good, xi = good & ~bad, xi + self.xi_step
        return good


def _shares(trust: Weights, counts: Weights, good: Tensor) -> Weights:
    """What each client counts: reputation times examples among the good ones, or reputation alone if all claim none."""
    weights = (trust * counts).where(good, 0)
    weights = weights if weights.any() else trust.where(good, 0)
    return weights / weights.sum() if weights.any() else weights


def _away(gram: Tensor, shares: Weights) -> Weights:
    """One minus the cosine of each model with their weighted mean, given inner products of updates and of the origin.

    With D for the distance between two vectors of lengths L and K, it is (D^2 - (L - K)^2) / (2 L K). These are
    differences of updates, which keep their digits where all models nearly point the same way; not so where one is much
    longer than the other, and there the cosine itself is taken.
    """
    n = len(shares)
    own, origin = torch.eye(n, n + 1, dtype=gram.dtype, device=gram.device), torch.zeros_like(gram[0])
    origin[n] = 1
    mean = torch.cat([shares, shares.new_zeros(1)])
    models, average, ways = own - origin, mean - origin, mean - own
    lengths = _square(gram, models, models).clamp(min=0).sqrt()
    length = (average @ gram @ average).clamp(min=0).sqrt()
    difference = _square(gram, ways, models + average) / (lengths + length)
    both = lengths * length
    chord = (_square(gram, ways, ways) - difference.square()) / (2 * both)
    found = chord.where(difference.square() < 2 * both, 1 - models @ gram @ average / both)
    return found.where((lengths > 0) & (length > 0), 1)


def _square(gram: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The inner products of the mixtures `a` and `b` [n, m], row by row."""
    return ((a @ gram) * b).sum(dim=1)


def _chance_below_half(alpha: int, beta: int) -> float:
    """P(p < 1/2) for p of Beta(alpha, beta)."""
    from scipy.special import betainc  # which takes a while to import

    return float(betainc(alpha, beta, 0.5))
