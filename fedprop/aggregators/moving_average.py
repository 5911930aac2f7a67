"""Moving average: a postprocessor that takes a part of the way to the new model."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Regret
from fedprop.aggregators.postprocessor import Postprocessor


class MovingAverage(Postprocessor):
    """Average the old global model with the new one: w <- (1 - alpha) w + alpha (w + aggregate).

    So the answer is alpha times the aggregate. `TrimmedMean(f=b) >> MovingAverage(alpha=alpha)` is SLSGD, and with
    `Mean()` its first option. The published runs halve alpha late in training; here it is constant.

    Attributes
    ----------
    alpha : the share of the new model, above 0; 1 forgets the old one.

    Source: Xie, Koyejo and Gupta, "SLSGD: Secure and Efficient Distributed On-device Machine Learning", ECML 2019,
    Algorithm 1, the moving average.

    >>> import torch
    >>> from fedprop.aggregators import TrimmedMean
    >>> (TrimmedMean(f=1) >> MovingAverage(alpha=0.5))(torch.tensor([[1.0], [2.0], [9.0]]))
    tensor([1.])
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["moving_average"] = "moving_average"
    alpha: Annotated[float, Field(gt=0.0, le=1.0)]

    @classmethod
    def examples(cls) -> tuple["MovingAverage", ...]:
        return (cls(alpha=0.25),)

    def apply(self, found: Aggregation, cohort: Cohort, state: None) -> Aggregation:
        return Aggregation(self.alpha * found.value, self.alpha * found.weights)

    def carry(self, contract: Contract) -> Contract:
        """What a share of a vector keeps; the old model, at the origin of the rows, is in no hull of them."""
        return contract.keeping(
            "permutation",
            "scaling",
            "orthogonal",
            "separable",
            "linear",
            "examples",
            "ambiguous",
            regret=self._regret(contract.regret),
        )

    def _regret(self, before: Regret | None) -> Regret | None:
        """That of what the rule must have answered."""
        return None if before is None else lambda rows, z: before(rows, z / self.alpha)
