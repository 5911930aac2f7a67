"""Zeno: rows that lower the loss on the server's own examples the most, for their length."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import NonNegativeInt

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, in_memory, map_blocks, mix, take
from fedprop.aggregators.contract import Contract, Region
from fedprop.types import NonNegative, Weights

AT_ONCE = 4
"""Rows in memory at a time, of those that are not there already or are chosen among others."""


class Zeno(Aggregator):
    """The mean of the n - b rows with the highest stochastic descendant score.

    The score of a row x is loss(w) - loss(w + x) - rho ||x||^2, where w is the global model and the loss is measured on
    the server's own examples: by how much the row lowers the loss, less a penalty for its length. So more than half of
    the rows may be Byzantine, as long as b of them are left out. Of equal scores that of the row with the smallest
    index counts as the better one; a loss that is no number is the worst there is.

    Needs n > b. The paper's scores are of gradients g with x = -gamma g, so its rho is gamma^2 times the one here
    (gamma / 200 becomes 1 / (200 gamma)). Its authors' code penalises the mean square of the coordinates instead:
    `per_coordinate`. The paper draws a few examples afresh in every round; here the server uses all that it holds.

    Attributes
    ----------
    b : how many rows are left out; at least as many as are Byzantine.
    rho : what a unit of squared length costs, in units of loss.
    per_coordinate : divide the squared length by the number of coordinates.

    Raises
    ------
    ServerUnknown
        If the cohort comes without a server side that can tell losses.

    Source: Xie, Koyejo and Gupta, "Zeno: Distributed Stochastic Gradient Descent with Suspicion-based Fault-tolerance",
    ICML 2019, Definitions 1 and 2.

    >>> from fedprop.aggregators import QuadraticSide
    >>> rows = torch.tensor([[1.0, 0.0], [3.0, 0.0], [-9.0, 0.0], [-9.0, 0.0], [-9.0, 0.0]])
    >>> Zeno(b=3).aggregate(Cohort(rows, server=QuadraticSide(torch.tensor([2.0, 0.0])))).value
    tensor([2., 0.])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "the server's losses"
    cost: ClassVar[str] = "n losses"

    kind: Literal["zeno"] = "zeno"
    b: NonNegativeInt = 1
    rho: NonNegative = 0.0
    per_coordinate: bool = False

    @classmethod
    def examples(cls) -> tuple["Zeno", ...]:
        return (cls(), cls(b=2, rho=0.25), cls(b=3, rho=1.0, per_coordinate=True))

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"losses"})

    @property
    def min_rows(self) -> int:
        return self.b + 1

    def requirement(self) -> str:
        return "n > b"

    def too_few(self, n: int) -> str:
        return f"`b` must satisfy {self.requirement()} for Zeno; found n={n}, b={self.b}"

    def contract(self) -> Contract:
        return Contract(permutation=True, idempotent=True, examples="ignored", linear=True, lies_in=Region.HULL)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows, server = cohort.updates, cohort.server_side
        price = self.rho / rows.shape[1] if self.per_coordinate else self.rho
        # The loss of the global model itself is the same in all scores.
        found = [server.losses(in_memory(take(rows, some))) for some in torch.split(torch.arange(len(rows)), AT_ONCE)]
        worst = torch.cat(found).double() + price * _squares(rows)
        order = worst.nan_to_num(nan=torch.inf, posinf=torch.inf).argsort(stable=True)
        weights = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
        weights[order[: len(rows) - self.b]] = 1 / (len(rows) - self.b)
        value = mix(weights[None], rows)[0]
        return Aggregation(value, weights.to(value.dtype), state)


def _squares(rows: Rows) -> Weights:
    """The squared length [n] of each row, exact for integers, so that equal scores stay equal."""
    total = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
    for found in map_blocks(lambda block: block.double().square().sum(dim=1), rows):
        total += found
    return total
