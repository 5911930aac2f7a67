"""Rules that see only inner products: one pass over the data, then everything happens on n by n numbers."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator, Cohort, RowConsumer
from fedprop.aggregators.columns import MixedRows, Rows, mix
from fedprop.aggregators.inner_products import inner_products
from fedprop.aggregators.rescaled import LARGEST, SMALLEST, within_reach
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


class Seen(NamedTuple):
    """Rows as whoever compares distances sees them.

    Attributes
    ----------
    rows : the rows given or, where their squares would leave the range of float64, `Rescaled` ones.
    gram : their centred inner products.
    unit : `rows` are in units of two to the power of this.
    """

    rows: Rows
    gram: Gram
    unit: int = 0


def centred_gram(updates: Rows, rule: RowConsumer | None = None) -> Gram:
    """The inner products of `seen`: all that a choice among the rows needs."""
    return seen(updates, rule).gram


def seen(updates: Rows, rule: RowConsumer | None = None) -> Seen:
    """`updates` [n, d] and their inner products [n, n] in float64, seen from the origin or a centre among them.

    Distances follow from inner products by subtraction, which ruins them for rows that lie close together and far
    from the origin. Where that happens the row whose median distance to the others is smallest becomes the centre,
    which no minority can keep away from the majority. So distances within the majority are accurate; those within a
    tight minority far away need not be. The origin and rows are centres that are exact for integers, so that equal
    scores stay equal.

    Rows in float64 may be too long for their squares, beyond about 1e135, or most of them too short, below 1e-135. Then
    all are seen in other units, which changes no answer, and giants among them at a length at which they still are
    farther from all others than these from each other: so they lose wherever distances decide.

    A `rule` that `sees_not_finite` names itself: rows with NaN or infinity are then refused in its name.
    """
    if isinstance(updates, GramRows):
        return Seen(updates, updates.gram)
    gram, unit = inner_products(updates), 0
    if rule is not None and not torch.isfinite(gram.diagonal()).all():
        rule.check_numbers(updates)
    if updates.dtype == torch.float64 and _out_of_range(gram.diagonal()):
        updates, unit = within_reach(updates)
        gram = inner_products(updates)
    for _ in range(RECENTRINGS):
        if (inmost := _better_centre(gram)) is None:
            break
        gram = inner_products(updates, inmost)
    return Seen(updates, gram, unit)


def _out_of_range(squares: Tensor) -> bool:
    return not bool((squares <= LARGEST).all()) or bool(squares.median() < SMALLEST)


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
