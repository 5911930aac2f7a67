"""The average: no defense, and the yardstick for all of them."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import torch
from pydantic import PositiveInt

from fedprop.aggregators.base import Aggregation, Aggregator, Cohort
from fedprop.aggregators.columns import mix
from fedprop.aggregators.contract import Contract, Kappa, Region
from fedprop.types import Weights

Weighting = Literal["uniform", "examples"]
"""Whether rows count alike or by the number of training examples their senders claim."""


def row_weights(cohort: Cohort, weighting: Weighting) -> Weights:
    """A weight [n] in float64 for each row, summing to one; uniform if all senders claim zero examples."""
    counts = torch.tensor(cohort.examples, dtype=torch.float64, device=cohort.updates.device)
    if weighting == "uniform" or counts.sum() == 0:
        counts = torch.ones_like(counts)
    return counts / counts.sum()


class Mean(Aggregator):
    """The mean of all rows; with `weighting="examples"`, FedAvg's weighted mean.

    One Byzantine row can move it anywhere, and with `examples` a client that lies about its count moves it further.

    Attributes
    ----------
    weighting : what a row counts: `uniform`, or its sender's claimed number of `examples`.
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
        return cls(), cls(weighting="examples"), cls(divisor=4)

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
            examples="copies" if self.weighting == "examples" else "ignored",
            linear=True,
            lies_in=Region.HULL if is_mean else Region.ANYWHERE,
            kappa=own if is_mean else None,
            unattacked=(lambda n: 0.0) if is_mean else None,
        )

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        weights = row_weights(cohort, self.weighting)
        weights = weights if self.divisor is None else weights * (len(weights) / self.divisor)
        value = mix(weights[None], cohort.updates)[0]
        return Aggregation(value, weights.to(value.dtype), state)
