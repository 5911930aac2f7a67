"""Cao and Lai's rule: rows that lie close enough to the server's own, averaged with it."""

import sys
from typing import Any, ClassVar, Literal

import torch

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import AddedRows, JoinedRows, Rows
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.inner_products import lengths
from fedprop.aggregators.server_side import like_rows
from fedprop.aggregators.views import Seen, seen_by_length
from fedprop.types import Gram, Positive, Vector


class CaoLai(FramedRule):
    """The mean of the server's own update and the rows that lie within `xi` times its length of it.

    With r for the update of the server's training on its own examples, a row x is accepted if ||x - r|| <= xi ||r||,
    and the answer is (weight r + sum of the accepted rows) / (weight + how many these are). So it stays within
    xi ||r|| of r, whatever is sent and by however many; with xi < 1 it never turns away from r. If all rows
    are refused it is r. If r is zero, nothing but zeros is accepted.

    The weights of the full form are those of the clients' rows; what they lack to one is the server's. The reference
    comes with the cohort, as for FLTrust. The claims of the contract hold for rows and reference moved together.

    Reconstructed from the abstract and from what others say of it: the weight of r and a value for xi were not found.
    The paper is about gradients, r a noisy one; here both are updates.

    Attributes
    ----------
    xi : how far from r a row may lie, as a share of the length of r.
    weight : how many rows r counts for.

    Raises
    ------
    InvalidUpdates
        If the cohort comes without a server side, or its update does not fit the rows or is not finite.

    Source: Cao and Lai, "Distributed Gradient Descent Algorithm Robust to an Arbitrary Number of Byzantine Attackers",
    IEEE Transactions on Signal Processing 67:22, 2019, Algorithm 1.

    >>> from fedprop.aggregators import Reference
    >>> server = Reference(torch.tensor([4.0, 0.0]))
    >>> answer = CaoLai(xi=0.5).aggregate(Cohort(torch.tensor([[4.0, 2.0], [1.0, 0.0]]), server=server))
    >>> answer.value, answer.weights
    (tensor([4., 1.]), tensor([0.5000, 0.0000]))
    """

    mixes_seen: ClassVar[bool] = True
    looks_at: ClassVar[str] = "distances from the server's update"
    cost: ClassVar[str] = "n d"

    kind: Literal["cao_lai"] = "cao_lai"
    xi: Positive
    weight: Positive = 1.0

    @classmethod
    def examples(cls) -> tuple["CaoLai", ...]:
        return cls(xi=0.9), cls(xi=0.25, weight=0.5), cls(xi=2.0)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"reference"})

    def contract(self) -> Contract:
        return Contract(permutation=True, scaling=True, orthogonal=True, idempotent=True, examples="ignored")

    def frame(self, cohort: Cohort, state: Any) -> Seen:
        """The ways from the reference to the rows, which is subtracted first, and after them the reference."""
        rows = cohort.updates
        reference = like_rows(cohort.server_side.reference(), rows, "CaoLai")
        ways = AddedRows(rows, reference[None], -1.0)
        return seen_by_length(JoinedRows(ways, reference[None]), _length(reference), _squares)

    def judge(self, view: Seen, cohort: Cohort, state: Any) -> Judged:
        squares = view.gram.diagonal()
        accepted = (squares[:-1] <= self.xi**2 * squares[-1]).double()
        shares = accepted / (self.weight + accepted.sum())
        return Judged(torch.cat([shares, shares.new_ones(1)]), shares=shares)


def _squares(rows: Rows) -> Gram:
    return lengths(rows).square().diag()


def _length(row: Vector) -> float:
    """The length of a row whose squares may be beyond float64."""
    largest = row.double().abs().max()
    sized = torch.linalg.vector_norm(row.double() / largest.where(largest > 0, 1.0))
    return min(float(largest * sized), sys.float_info.max)
