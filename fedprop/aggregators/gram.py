"""Rules that see only inner products: one pass over the data, then everything happens on n by n numbers."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator, Cohort, RowConsumer
from fedprop.aggregators.columns import MixedRows, Rows, mix
from fedprop.aggregators.inner_products import inner_products, refuse_overflow
from fedprop.types import Gram, Weights

CANCELLATION = 1e-4
"""A squared distance below this share of the centred rows' squared norms has lost four of its sixteen digits."""

NEARER = 1 / 16
"""Another centre is worth a pass if it brings the rows around it this much closer, in squared distance."""

RECENTRINGS = 2
"""A first centre so far away that it hides who is inmost needs a second try."""


class GramRows(MixedRows):
    """Mixed rows whose centred inner products are known beforehand."""

    def __init__(self, mixing: Tensor, rows: Rows, gram: Gram) -> None:
        super().__init__(mixing, rows)
        self.gram = gram


def centred_gram(updates: Rows, rule: RowConsumer | None = None) -> Gram:
    """Inner products [n, n] in float64 of the rows of `updates` [n, d], seen from the origin or a centre among them.

    Distances follow from inner products by subtraction, which ruins them for rows that lie close together and far
    from the origin. Where that happens the row whose median distance to the others is smallest becomes the centre,
    which no minority can keep away from the majority. So distances within the majority are accurate; those within a
    tight minority far away need not be. The origin and rows are centres that are exact for integers, so that equal
    scores stay equal.

    A `rule` that `sees_not_finite` names itself: rows with NaN or infinity are then refused in its name.

    Raises
    ------
    InvalidUpdates
        If squared lengths overflow float64 (only rows in float64 beyond about 1e150 can do that).
    """
    if isinstance(updates, GramRows):
        return updates.gram
    gram = inner_products(updates)
    if rule is not None and not torch.isfinite(gram.diagonal()).all():
        rule.check_numbers(updates)
    for _ in range(RECENTRINGS):
        if (inmost := _better_centre(gram)) is None:
            break
        gram = inner_products(updates, inmost)
    refuse_overflow(gram, updates)
    return gram


def squared_distances(gram: Gram) -> Gram:
    """Squared Euclidean distances [n, n] between rows, from their inner products; zero on the diagonal."""
    norms = gram.diagonal()
    return (norms[:, None] + norms[None, :] - 2 * gram).clamp(min=0).fill_diagonal_(0)


def _better_centre(gram: Gram) -> int | None:
    """The inmost row, if distances have lost digits and most rows are much closer to it than it is to the centre."""
    norms, distances = gram.diagonal(), squared_distances(gram)
    reaches = distances.median(dim=1).values
    inmost = int(reaches.argmin())
    larger = torch.maximum(norms[:, None], norms[None, :])
    lost = (distances.fill_diagonal_(torch.inf) < CANCELLATION * larger).any()
    return inmost if lost and reaches[inmost] < NEARER * norms[inmost] else None


class GramRule(Aggregator):
    """Base of the rules that turn inner products into one weight per row; the aggregate is weights @ rows."""

    reads_columns: ClassVar[bool] = True
    sees_not_finite: ClassVar[bool] = True

    @abstractmethod
    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        """The weight [n], in float64, of each row, given the centred inner products [n, n]."""

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        weights = self.weigh(centred_gram(cohort.updates, self), cohort)
        value = mix(weights[None], cohort.updates)[0]
        return Aggregation(value, weights.to(value.dtype), state)
