"""MoNNA: the rows nearest to the server's own."""

from typing import Any, Literal

import torch
from pydantic import NonNegativeInt

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import AddedRows, JoinedRows, Rows, mix
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.nearest_rows import NearestRows
from fedprop.aggregators.server_side import like_rows
from fedprop.types import Vector


class MoNNA(NearestRows):
    """The mean of the server's own row and the rows nearest to it, n - f in all: nearest neighbour averaging.

    In the paper each of n nodes averages the n - f gradients nearest to its own, its own included. Here the server is
    that node: its own row is the update that training on its root data gives, which makes n of the clients' n - 1 rows,
    and nobody else's position is trusted. Of rows as near, those with the smallest indices are kept. Needs n >= 2f + 1
    with the server's row, so 2f clients. The answer is no farther from the server's row than the clients' honest rows
    are on average (`specs/test_nearest_rows.py`); of their mean nothing is promised, as the server's row decides. The
    weights of the full form are the clients' shares, which leave 1 / (n - f) for the server's row. One pass for the
    distances and one for the mean: O(n d).

    The reference comes with the cohort. In a run, set `root.size`; in a training loop of your own, hand it over as
    `Reference`. The claims of the contract hold for rows and reference moved together, as `Rooted` moves them.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Raises
    ------
    InvalidUpdates
        If the cohort comes without a server side, or the reference does not fit the rows or is not finite.

    Source: Farhadkhani, Guerraoui, Gupta, Hoang, Pinot and Stephan, "Robust Collaborative Learning with Linear Gradient
    Overhead", ICML 2023 (MoNNA, without its momentum, for which see `worker_momentum`).

    >>> import torch
    >>> from fedprop.aggregators import Cohort, Reference
    >>> rows = torch.tensor([[1.0], [3.0], [50.0]])
    >>> MoNNA(f=1).aggregate(Cohort(rows, server=Reference(torch.tensor([2.0])))).value
    tensor([2.])
    """

    kind: Literal["monna"] = "monna"
    f: NonNegativeInt

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"reference"})

    @property
    def min_rows(self) -> int:
        return max(1, 2 * self.f)

    def requirement(self) -> str:
        return "n >= 2f" if self.f else "n >= 1"

    def contract(self) -> Contract:
        return Contract(
            permutation=True, translation=True, scaling=True, orthogonal=True, idempotent=True, examples="ignored"
        )

    def seen(self, cohort: Cohort) -> Rows:
        return AddedRows(cohort.updates, _own(cohort)[None], -1.0)

    def keep(self, n: int) -> int:
        return n - self.f

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows = cohort.updates
        shares = self.weigh(cohort) * (self.keep(len(rows)) / (self.keep(len(rows)) + 1))
        every = torch.cat([shares, (1 - shares.sum())[None]])
        value = mix(every[None], JoinedRows(rows, _own(cohort)[None]))[0]
        return Aggregation(value.to(rows.dtype), shares.to(rows.dtype), state)


def _own(cohort: Cohort) -> Vector:
    """The server's row."""
    return like_rows(cohort.server_side.reference(), cohort.updates, "MoNNA")
