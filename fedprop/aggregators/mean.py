"""The average: no defense, and the yardstick for all of them."""

from typing import Any, ClassVar, Literal

import torch

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

    Source: McMahan et al., AISTATS 2017, Algorithm 1 (weights n_k / n).

    >>> import torch
    >>> Mean()(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
    tensor([2., 4.])
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["mean"] = "mean"
    weighting: Weighting = "uniform"

    @classmethod
    def examples(cls) -> tuple["Mean", ...]:
        return (cls(), cls(weighting="examples"))

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            separable=True,
            monotone=True,
            examples="copies" if self.weighting == "examples" else "ignored",
            linear=True,
            lies_in=Region.HULL,
            kappa=Kappa(lambda _n, _f: 0.0, "f = 0 only: the mean of all rows is the mean of the honest ones"),
        )

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        weights = row_weights(cohort, self.weighting)
        value = mix(weights[None], cohort.updates)[0]
        return Aggregation(value, weights.to(value.dtype), state)
