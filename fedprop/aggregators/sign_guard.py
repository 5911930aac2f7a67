"""SignGuard: rows of unusual length, and rows whose signs are not those of the largest cluster, are left out."""

from typing import Annotated, Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import BLOCK_ELEMENTS, Rows, mix, read
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.mean_shift import largest_cluster
from fedprop.aggregators.norm_filter import relative_lengths
from fedprop.types import Fraction

NEVER_ZERO = 1e-8
"""Added to what shares of signs are divided by, which may be zero, as in the authors' code."""


class SignGuard(Aggregator):
    """The mean of rows of usual length in the largest cluster of sign statistics, each cut to the median length.

    With M for the median length of all rows, those longer than lower M and shorter than upper M are of usual length. A
    block of neighbouring coordinates is drawn; a row's statistics are the shares of it that are above zero, zero and
    below, each over the largest such share. Mean shift clusters them, with the mean distance to the neighbour halfway
    as bandwidth; the rows in the largest cluster are its members. Rows that are both are averaged, those longer than M
    cut to it. If there are none, or M is zero, the answer is zero.

    Of clusters of one size, the one with the most points within a bandwidth of its centre counts, then the one whose
    centre is larger, beginning with the first statistic. Costs n d, and n^2 for the clusters.

    The block is drawn from the cohort's generator. The authors' variants with cosines or distances as a further
    statistic are not offered.

    Attributes
    ----------
    lower, upper : the multiples of the median length between which a row's length is usual.
    share : the share of all coordinates that the block has; at least one of them.

    Source: Xu, Huang, Song and Lan, "Byzantine-robust Federated Learning through Collaborative Malicious Gradient
    Filtering", ICDCS 2022, Algorithm 2; the contiguous block is the authors' code's, where the paper draws coordinates.

    >>> rows = torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [-1.0, -2.0], [90.0, 90.0]])
    >>> SignGuard().aggregate(Cohort(rows, generator=torch.Generator())).weights
    tensor([0.3333, 0.3333, 0.3333, 0.0000, 0.0000])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "lengths and signs"

    kind: Literal["sign_guard"] = "sign_guard"
    lower: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    upper: Annotated[float, Field(gt=1.0, allow_inf_nan=False)] = 3.0
    share: Fraction = 0.1

    @classmethod
    def examples(cls) -> tuple["SignGuard", ...]:
        return (cls(), cls(share=1.0, upper=2.0))

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"generator"})

    def contract(self) -> Contract:
        return Contract(permutation=True, scaling=True, idempotent=True, examples="ignored", linear=True)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows, d = cohort.updates, cohort.updates.shape[1]
        found, median = relative_lengths(rows)
        usual = (found > self.lower * median) & (found < self.upper * median)
        size = max(1, int(self.share * d))
        start = int(torch.randint(d - size + 1, (), generator=cohort.generator))
        alike = largest_cluster(_statistics(rows, start, start + size))
        kept = (usual & alike).double()
        cut = (median / found).clamp(max=1).where(found > 0, 1)
        weights = kept * cut / kept.sum().clamp(min=1)
        value = mix(weights[None], rows)[0]
        return Aggregation(value, weights.to(value.dtype), state)


def _statistics(rows: Rows, start: int, stop: int) -> Float[Tensor, "n 3"]:
    """The shares [n, 3] of a block's columns in which each row is above zero, zero and below, over the largest."""
    counts = torch.zeros(len(rows), 3, dtype=torch.float64, device=rows.device)
    width = max(1, BLOCK_ELEMENTS // len(rows))
    for first in range(start, stop, width):
        counts += _counts(read(rows, first, min(first + width, stop)))
    shares = counts / (stop - start)
    return shares / (shares.amax(dim=0) + NEVER_ZERO)


def _counts(block: Tensor) -> Tensor:
    return torch.stack([(block > 0).sum(dim=1), (block == 0).sum(dim=1), (block < 0).sum(dim=1)], dim=1).double()
