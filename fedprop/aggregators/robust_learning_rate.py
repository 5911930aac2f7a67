"""The robust learning rate: where too few rows agree on a direction, the step is taken the other way."""

from typing import Any, ClassVar, Literal

from pydantic import NonNegativeInt

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import map_blocks
from fedprop.aggregators.contract import Contract, never
from fedprop.aggregators.mean import Mean
from fedprop.aggregators.median import Median
from fedprop.aggregators.rule_field import RuleField
from fedprop.aggregators.sign_majority import SignMajority, votes


class RobustLearningRate(Aggregator):
    """The answer of a rule, turned round in each coordinate where the signs of the rows add up to less than `theta`.

    In coordinate j the vote is |sum of sign(x_ij)|. Where it reaches theta the rule's answer stays as it is; elsewhere
    its sign is changed, so that the model is moved away from what few rows wanted. Zeros do not vote. A coordinate
    that only f attackers push gets at most f votes, one on which all honest rows agree at least n - 2f: choose
    f < theta <= n - 2f. With theta = 0 it is the rule itself; with fewer rows than theta every coordinate would be
    turned, so they are refused. Costs a pass, n d, beside the rule.

    The weights of the full form are the rule's, times the share of coordinates that stay less the share of those that
    are turned.

    Attributes
    ----------
    theta : the number of votes from which on a coordinate stays.
    rule : what is turned; in the paper the mean by claimed examples, the median, or the majority of signs.

    Source: Ozdayi, Kantarcioglu and Gel, "Defending against Backdoors in Federated Learning with Robust Learning Rate",
    AAAI 2021, Section 4. Clipping and noise, which it may be used with, are `norm_clipping` and `gaussian_noise`.

    >>> import torch
    >>> RobustLearningRate(theta=2)(torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 9.0]]))
    tensor([ 2., -3.])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "signs"

    kind: Literal["robust_learning_rate"] = "robust_learning_rate"
    theta: NonNegativeInt
    rule: RuleField = Mean(weighting="examples")

    @classmethod
    def examples(cls) -> tuple["RobustLearningRate", ...]:
        return (cls(theta=2), cls(theta=3, rule=Median()), cls(theta=2, rule=SignMajority()), cls(theta=0))

    @property
    def asks(self) -> frozenset[str]:
        return self.rule.asks

    @property
    def by_direction(self) -> bool:
        return self.rule.by_direction

    @property
    def min_rows(self) -> int:
        return max(1, self.theta, self.rule.min_rows)

    def requirement(self) -> str:
        return f"n >= theta = {self.theta}" if self.theta >= self.rule.min_rows else self.rule.requirement()

    def init(self) -> Any:
        return self.rule.init()

    def contract(self) -> Contract:
        own = self.rule.contract()
        return own.keeping(
            "permutation",
            "scaling",
            "separable",
            examples=own.ignoring,
            ambiguous=never if own.ambiguous is never and own.regret is None else Contract().ambiguous,
        )

    def check_form(self, updates: Any) -> None:
        super().check_form(updates)
        self.rule.check_form(updates)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        value, weights, state = self.rule.answer(cohort, state)
        value, start, stayed = value.clone(), 0, 0.0
        for turned in map_blocks(lambda block: votes(block).abs() < self.theta, cohort.updates):
            value[start : start + len(turned)][turned] *= -1
            start, stayed = start + len(turned), stayed + float((~turned).sum())
        return Aggregation(value, weights * (2 * stayed / len(value) - 1), state)
