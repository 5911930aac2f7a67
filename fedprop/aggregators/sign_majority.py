"""SignSGD with majority vote: each row has one vote on the direction of each coordinate."""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, fill, map_blocks
from fedprop.aggregators.contract import Contract, never
from fedprop.types import Positive, Vector


class SignMajority(Aggregator):
    """In each coordinate, the sign that more rows have than have the other, times `step`.

    Zeros do not vote, and where as many rows are above zero as below it the answer is zero. Each row may be multiplied
    by a positive number of its own, and nothing changes: giants have one vote as well. The answer has the size of
    `step` whatever that of the rows, so a server adds it with a learning rate of its own. Costs one pass, n d.

    The weights of the full form say who decided: each coordinate that moves is shared out evenly among the rows that
    voted for where it goes.

    Attributes
    ----------
    step : what the signs are multiplied by; 1 as published, where the server's learning rate comes after it.

    Source: Bernstein, Zhao, Azizzadenesheli and Anandkumar, "signSGD with Majority Vote is Communication Efficient and
    Fault Tolerant", ICLR 2019, Algorithm 1, without momentum; a tie moves nothing, since the sign of 0 is 0.

    >>> SignMajority()(torch.tensor([[0.1, -5.0, 2.0], [0.1, 4.0, 0.0], [-9e9, 0.0, 0.0]]))
    tensor([1., 0., 1.])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "signs"

    kind: Literal["sign_majority"] = "sign_majority"
    step: Positive = 1.0

    @classmethod
    def examples(cls) -> tuple["SignMajority", ...]:
        return (cls(), cls(step=0.01))

    @property
    def by_direction(self) -> bool:
        return True

    def contract(self) -> Contract:
        return Contract(permutation=True, separable=True, examples="ignored", ambiguous=never)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows = cohort.updates
        weights = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
        for found in map_blocks(_deciding, rows):
            weights += found
        return Aggregation(self.value(rows), (weights / rows.shape[1]).to(rows.dtype), state)

    def value(self, updates: Rows) -> Vector:
        signs = map_blocks(lambda block: self.step * votes(block).sign(), updates)
        return fill(torch.empty(updates.shape[1], dtype=updates.dtype, device=updates.device), signs)


def votes(block: Tensor) -> Tensor:
    """For each column of a block [n, w], how many more of its values are above zero than below it."""
    return block.sign().sum(dim=0, dtype=torch.float64)


def _deciding(block: Tensor) -> Tensor:
    """For each row of a block [n, w], the sum over the columns that move of its even share in where they go."""
    majority = votes(block).sign()
    agree = ((block.sign() == majority) & (majority != 0)).double()
    return (agree / agree.sum(dim=0).clamp(min=1)).sum(dim=1)
