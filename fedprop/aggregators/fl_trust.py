"""FLTrust: rows count as far as they point where the server's own training points."""

from functools import partial
from typing import Any, ClassVar, Literal

import torch

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import JoinedRows
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.inner_products import products_with
from fedprop.aggregators.server_side import like_rows
from fedprop.aggregators.views import Seen, seen_by_direction


class FLTrust(FramedRule):
    """The mean of the rows by trust, each row scaled to the length of the server's own update.

    The server trains on its root data as a client would; the update r that results is the reference. The trust score of
    a row is its cosine with r, or 0 if that is negative, and the answer is the mean of the rows x_i ||r|| / ||x_i||,
    weighted by score. So it is no longer than r and never points away from it, however many rows are Byzantine.

    Where the definition divides by zero: a row of zeros has no direction and scores 0, as all rows do if r is zero. If
    no row scores more than 0, the answer is zero and the global model stays as it is. The weights of the full form are
    the shares of trust, which add up to 1, or are all 0 if nobody is trusted.

    The reference comes with the cohort. In a run, set `root.size`; in a training loop of your own, hand it over as
    `Reference`. The claims of the contract hold for rows and reference moved together, as `Rooted` moves them.

    Raises
    ------
    InvalidUpdates
        If the cohort comes without a server side, or the reference does not fit the rows or is not finite.

    Source: Cao, Fang, Liu and Gong, "FLTrust: Byzantine-robust Federated Learning via Trust Bootstrapping", NDSS 2021,
    Section IV and Algorithm 2 (the global learning rate is the server's, not the rule's).

    >>> import torch
    >>> from fedprop.aggregators import Cohort, Reference
    >>> rows = torch.tensor([[9.0, 0.0], [0.0, 0.5], [-1.0, -1.0]])
    >>> answer = FLTrust().aggregate(Cohort(rows, server=Reference(torch.tensor([1.0, 1.0]))))
    >>> answer.value, answer.weights
    (tensor([0.7071, 0.7071]), tensor([0.5000, 0.5000, 0.0000]))
    """

    mixes_seen: ClassVar[bool] = True

    kind: Literal["fl_trust"] = "fl_trust"

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"reference"})

    @property
    def by_direction(self) -> bool:
        return True

    def contract(self) -> Contract:
        return Contract(permutation=True, scaling=True, orthogonal=True, idempotent=True, examples="ignored")

    def frame(self, cohort: Cohort, state: Any) -> Seen:
        """The rows and, after them, the reference, whose products with each are all that is asked for."""
        rows = cohort.updates
        reference = like_rows(cohort.server_side.reference(), rows, "FLTrust")
        every = JoinedRows(rows, reference[None])
        return seen_by_direction(every, partial(products_with, len(rows)), unit_of=len(rows))

    def judge(self, view: Seen, cohort: Cohort, state: Any) -> Judged:
        lengths = view.gram.diagonal().sqrt()
        inverse = (1 / lengths).where(lengths > 0, 0)
        scores = (view.gram[-1] * inverse * inverse[-1]).clamp(min=0)[:-1]
        shares = scores / scores.sum() if scores.any() else scores
        weights = torch.cat([shares * inverse[:-1] * lengths[-1], shares.new_zeros(1)])
        return Judged(weights, shares=shares)
