"""RFA as published: a few smoothed Weiszfeld passes towards the geometric median."""

from typing import Any, ClassVar, Literal

from pydantic import PositiveInt

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Region, never
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.views import Seen, seen_in_proportion
from fedprop.aggregators.weighting import Weighting, effect_of_claims, row_weights
from fedprop.types import Positive

TINY = 1e-300
"""The least length that is divided by, where `nu` is too small a share of giants for float64."""


class RFA(FramedRule):
    """The point where `passes` smoothed Weiszfeld passes from the weighted mean arrive.

    With alpha_i for a client's share of all claimed examples, a pass moves v to the mean of the rows with weights
    alpha_i / max(nu, ||v - x_i||). Each pass lowers the smoothed sum of weighted distances, and many lead to the
    geometric median; but a few are far from it under strong attack: one row that is far enough away carries the answer
    as far as it likes. `geometric_median` is the median itself, which none carries off.

    Costs n^2 d for the inner products; the passes run on them. If all rows are equal they are the answer; if all claim
    zero examples, these do not count.

    Attributes
    ----------
    passes : how many passes there are.
    nu : the length below which distances are smoothed, in the units of the rows: so the rule does not quite scale.
    weighting : what a row counts: its sender's claimed number of `examples`, as published, that `capped`, or `uniform`.

    Source: Pillutla, Kakade and Harchaoui, "Robust Aggregation for Federated Learning", IEEE Transactions on Signal
    Processing 2022, Algorithm 2, with nu = 1e-6 and 3 passes; the authors' code has 1e-5 and 4, and stops early.

    >>> import torch
    >>> RFA(passes=1)(torch.tensor([[0.0], [0.0], [9.0]]))
    tensor([1.8000])
    """

    looks_at: ClassVar[str] = "inner products"

    kind: Literal["rfa"] = "rfa"
    passes: PositiveInt = 3
    nu: Positive = 1e-6
    weighting: Weighting = "examples"

    @classmethod
    def examples(cls) -> tuple["RFA", ...]:
        return (cls(), cls(passes=8, nu=0.1, weighting="uniform"), cls(weighting="capped"))

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            orthogonal=True,
            idempotent=True,
            examples=effect_of_claims(self.weighting),
            linear=True,
            lies_in=Region.HULL,
            ambiguous=never,
            precision=1e-7,
        )

    def frame(self, cohort: Cohort, state: Any) -> Seen:
        return seen_in_proportion(cohort.updates, self)

    def judge(self, view: Seen, cohort: Cohort, state: Any) -> Judged:
        gram, alpha = view.gram, row_weights(cohort, self.weighting)
        nu, weights = max(view.length(self.nu), TINY), row_weights(cohort, self.weighting)
        for _ in range(self.passes):
            towards = gram @ weights
            squares = gram.diagonal() - 2 * towards + weights @ towards
            weights = alpha / squares.clamp(min=0).sqrt().clamp(min=nu)
            weights = weights / weights.sum()
        return Judged(weights, state)
