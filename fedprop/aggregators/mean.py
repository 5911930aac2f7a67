"""The average: no defense, and the yardstick for all of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal

from pydantic import PositiveInt

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import mix
from fedprop.aggregators.contract import Contract, Kappa, Region
from fedprop.aggregators.filtered import only
from fedprop.aggregators.weighting import Weighting, effect_of_claims, row_weights
from fedprop.types import Weights


class Mean(Aggregator):
    """The mean of all rows; with `weighting="examples"`, FedAvg's weighted mean, with `capped` one that bounds claims.

    One Byzantine row can move it anywhere, and with `examples` a client that lies about its count moves it further.
    `capped` cuts the largest claims, so that the tenth of the clients who claim most, and one more, hold at most half
    of the weight (Portnoy et al. 2020).

    Attributes
    ----------
    weighting : what a row counts: `uniform`, its sender's claimed number of `examples`, or that `capped`.
    divisor : what the sum of the rows is divided by, whatever their number; None for their number. So a row counts no
        more where few come, as central privacy needs it.

    Source: McMahan et al., AISTATS 2017, Algorithm 1 (weights n_k / n); for the divisor McMahan et al., "Learning
    Differentially Private Recurrent Language Models", ICLR 2018, Section 2.2, the first estimator.

    >>> import torch
    >>> Mean()(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
    tensor([2., 4.])
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["mean"] = "mean"
    weighting: Weighting = "uniform"
    divisor: PositiveInt | None = None

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return (self._one_scale,)

    def _one_scale(self) -> Iterator[str]:
        if self.divisor is not None and self.weighting != "uniform":
            yield f"`divisor` needs `weighting` uniform; found divisor={self.divisor}, weighting={self.weighting}"

    @classmethod
    def examples(cls) -> tuple["Mean", ...]:
        return cls(), cls(weighting="examples"), cls(weighting="capped"), cls(divisor=4)

    def contract(self) -> Contract:
        own = Kappa(lambda _n, _f: 0.0, "f = 0 only: the mean of all rows is the mean of the honest ones")
        is_mean = self.divisor is None
        return Contract(
            permutation=True,
            translation=is_mean,
            scaling=True,
            orthogonal=True,
            idempotent=is_mean,
            separable=True,
            monotone=is_mean,
            examples=effect_of_claims(self.weighting),
            linear=True,
            lies_in=Region.HULL if is_mean else Region.ANYWHERE,
            kappa=own if is_mean else None,
            unattacked=(lambda n: 0.0) if is_mean else None,
        )

    def weighing(self, cohort: Cohort) -> Callable[[Sequence[int]], Weights]:
        return lambda some: self._weights(only(cohort, some))

    def _weights(self, cohort: Cohort) -> Weights:
        weights = row_weights(cohort, self.weighting)
        return weights if self.divisor is None else weights * (len(weights) / self.divisor)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        weights = self._weights(cohort)
        value = mix(weights[None], cohort.updates)[0]
        return Aggregation(value, weights.to(value.dtype), state)
