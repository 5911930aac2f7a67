"""How rules that compare rows see them: from where, in which units, and which of their inner products."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedprop.aggregators.base import RowConsumer
from fedprop.aggregators.columns import MixedRows, Rows, mix
from fedprop.aggregators.inner_products import inner_products
from fedprop.aggregators.rescaled import (
    LARGEST,
    LONG,
    SHORT,
    SMALLEST,
    ZERO,
    Rescaled,
    each_to_size,
    exponent,
    exponents,
    times_power,
    within_reach,
)
from fedprop.types import Gram, Vector, Weights

CANCELLATION = 1e-4
"""A squared distance below this share of the centred rows' squared norms has lost four of its sixteen digits."""

NEARER = 1 / 16
"""Another centre is worth a pass if it brings the rows around it this much closer, in squared distance."""

RECENTRINGS = 2
"""Maximum centres tried after the first; a second one helps where a first one far away hides which row is inmost."""


class GramRows(MixedRows):
    """Mixed rows whose centred inner products are known beforehand."""

    def __init__(self, mixing: Tensor, rows: Rows, gram: Gram) -> None:
        super().__init__(mixing, rows)
        self.gram = gram


class Seen(NamedTuple):
    """Rows as whoever compares them sees them.

    Attributes
    ----------
    rows : the rows given or, where their squares would leave the range of float64, `Rescaled` ones.
    gram : their inner products.
    unit : `rows` are in units of two to the power of this.
    """

    rows: Rows
    gram: Gram
    unit: int = 0

    def length(self, given: float) -> float:
        """A length in the units of `rows`."""
        return math.ldexp(given, -self.unit)

    def mixture(self, weights: Weights) -> tuple[Vector, Weights]:
        """The sum of weights [m] times the rows as they are seen, and the weights that the rows as given have in it.

        A giant that was shrunk keeps its direction, so its weight shrinks as it grows.
        """
        value = mix(weights[None], self.rows)[0]
        if isinstance(self.rows, Rescaled):
            return times_power(value, self.unit), times_power(weights, self.rows.shifts + self.unit)
        return value, weights


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
    if rule is not None and not all_finite(gram.diagonal()):
        rule.check_numbers(updates)
    if updates.dtype == torch.float64 and _out_of_range(gram.diagonal()):
        updates, unit = within_reach(updates)
        gram = inner_products(updates)
    return _centred(updates, gram, unit)


def seen_in_proportion(updates: Rows, rule: RowConsumer) -> Seen:
    """As `seen`, but all rows in one unit where their squares leave the range of float64, and none of them shrunk.

    So giants keep their proportions, for rules whose answer they decide; what they hide of the others is lost.
    """
    gram, unit = inner_products(updates), 0
    if not all_finite(gram.diagonal()):
        rule.check_numbers(updates)
    if updates.dtype == torch.float64 and _out_of_range(gram.diagonal()):
        sizes = exponents(updates)
        unit = int(sizes.max()) if bool((sizes != ZERO).any()) else 0
        updates = Rescaled(updates, torch.full_like(sizes, -unit))
        gram = inner_products(updates)
    return _centred(updates, gram, unit)


def _centred(updates: Rows, gram: Gram, unit: int) -> Seen:
    """Rows and their inner products from a centre among them, where distances have lost digits."""
    for _ in range(RECENTRINGS):
        if (inmost := _better_centre(gram)) is None:
            break
        gram = inner_products(updates, inmost)
    return Seen(updates, gram, unit)


def seen_by_length(rows: Rows, length: float, products: Callable[[Rows], Gram]) -> Seen:
    """`rows` and their `products` from where they stand, for rules that compare them with a `length` of their own.

    Squares that float64 cannot hold are avoided by a unit of about that length. Giants may be shrunk then, as long as
    they stay far longer than it: so they lose nothing where they would be cut to it.
    """
    gram = products(rows)
    if rows.dtype == torch.float64 and not (SHORT < length < LONG and bool(gram.max() < LARGEST)):
        rows, unit = within_reach(rows, exponent(length))
        return Seen(rows, products(rows), unit)
    return Seen(rows, gram)


def seen_by_direction(rows: Rows, products: Callable[[Rows], Gram], *, unit_of: int = 0) -> Seen:
    """`rows` and their `products` from the origin, for rules that count nothing but directions.

    Where squares leave the range of float64 each row gets a unit of its own, in which it keeps its direction; that of
    row `unit_of` is the unit of the whole.
    """
    gram = products(rows)
    squares = gram.diagonal()
    if bool(((squares >= SMALLEST) & (squares <= LARGEST)).all()):
        return Seen(rows, gram)
    sized, sizes = each_to_size(rows)
    return Seen(sized, products(sized), int(sizes[unit_of]))


def all_finite(squares: Weights) -> bool:
    """Whether no square [n] is NaN or infinite: hardly ever need each be looked at, since a finite sum tells."""
    return math.isfinite(float(squares.sum())) or bool(torch.isfinite(squares).all())


def _out_of_range(squares: Tensor) -> bool:
    least, most = (float(square) for square in squares.aminmax())
    return not most <= LARGEST or (least < SMALLEST and bool(squares.median() < SMALLEST))


def squared_distances(gram: Gram) -> Gram:
    """Squared Euclidean distances [n, n] between rows, from their inner products; zero on the diagonal."""
    norms = gram.diagonal()
    return (norms[:, None] + norms).sub_(gram, alpha=2).clamp_(min=0).fill_diagonal_(0)


def _better_centre(gram: Gram) -> int | None:
    """The inmost row, if distances have lost digits and most rows are much closer to it than it is to the centre."""
    # Of few rows NumPy makes a number of small steps in a third of torch's time.
    products = gram.cpu().numpy()
    norms = products.diagonal()
    column = norms[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        distances = column + norms - 2 * products
        distances.ravel()[:: len(norms) + 1] = np.inf
        if not (distances < np.maximum(column, norms) * CANCELLATION).any():
            return None
    reaches = torch.from_numpy(distances).clamp_(min=0).fill_diagonal_(0).median(dim=1).values
    inmost = int(reaches.argmin())
    return inmost if reaches[inmost] < NEARER * norms[inmost] else None
