"""Centered clipping: a rule that remembers where it was."""

import math
from typing import Any, ClassVar, Literal

import torch
from numpy.typing import NDArray
from pydantic import PositiveInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator, Cohort
from fedprop.aggregators.columns import Columns, Rows, mix, read, take
from fedprop.aggregators.contract import Contract, never
from fedprop.aggregators.inner_products import inner_products, lengths
from fedprop.aggregators.rescaled import LARGEST, LONG, SHORT, exponent, times_power, within_reach
from fedprop.errors import InvalidUpdates
from fedprop.forms import taken
from fedprop.types import Gram, Positive, Vector, Weights


class CenteredClipping(Aggregator):
    """The previous aggregate, moved by the mean way from it to the rows, each way cut to the length `radius`.

    With v for the previous aggregate, which is zero before the first round, the step is
    v + mean of (x_i - v) min(1, radius / ||x_i - v||); `iterations` of them are taken. So no set of rows moves the
    aggregate by more than iterations * radius in one round, and one step moves by at most radius / n for each row.

    The state is v [d]: memory of the server's own past, not of any client. Without a state, as in `rule(updates)`, v is
    zero. The aggregate is weights @ rows + (1 - sum of weights) v, so the weights tell by how much each row was cut: in
    one step a row that was not has 1 / n.

    Neither a shift nor a scaling of the rows alone carries over to the answer, since v stays where it is and `radius`
    is a length in their units. Equal rows are their own answer only within `radius` of v. One more copy of a row leads
    one step no farther from it: the step turns towards the point of the ball around v that is nearest to that row.

    Attributes
    ----------
    radius : the length to which each row's way from the previous aggregate is cut.
    iterations : how many steps are taken in a round.

    Source: Karimireddy, He and Jaggi, "Learning from History for Byzantine Robust Optimization", ICML 2021, Section 4
    and Algorithm 2 (tau is `radius`; one iteration suffices where v is close).

    >>> import torch
    >>> rule = CenteredClipping(radius=1.0)
    >>> first = rule.aggregate(torch.tensor([[0.5], [0.5], [9.0]]))
    >>> first.value, rule.aggregate(torch.tensor([[1.0], [1.0], [9.0]]), first.state).value
    (tensor([0.6667]), tensor([1.2222]))
    """

    reads_columns: ClassVar[bool] = True
    sees_not_finite: ClassVar[bool] = True

    kind: Literal["centered_clipping"] = "centered_clipping"
    radius: Positive
    iterations: PositiveInt = 1

    @classmethod
    def examples(cls) -> tuple["CenteredClipping", ...]:
        return (cls(radius=1.0), cls(radius=1.0, iterations=3), cls(radius=1e4, iterations=2))

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            orthogonal=True,
            monotone=self.iterations == 1,
            examples="ignored",
            ambiguous=never,
        )

    def combine(self, cohort: Cohort, state: Vector | NDArray[Any] | None) -> Aggregation:
        rows = cohort.updates
        centre = None if state is None else taken(state, "state", "CenteredClipping")[0]
        if centre is not None and centre.shape != rows.shape[1:]:
            due, found = list(rows.shape[1:]), list(centre.shape)
            raise InvalidUpdates(f"`state` must have shape {due} for CenteredClipping; found {found}")
        seen = rows if centre is None else RowsSeenFrom(centre, rows)
        products = self._products(seen)
        if not torch.isfinite(products.diagonal()).all():
            self.check_numbers(rows)
        if rows.dtype == torch.float64 and not (SHORT < self.radius < LONG and bool(products.max() < LARGEST)):
            value, weights = self._in_radii(seen)
            value = value if centre is None else value + centre
        else:
            weights = self._weigh(products, self.radius)
            value = mix(weights[None], rows)[0]
            if centre is not None:
                value.add_(centre.to(value), alpha=1 - float(weights.sum()))
        return Aggregation(value, weights.to(value.dtype), value.clone())

    def _in_radii(self, seen: Rows) -> tuple[Vector, Weights]:
        """The way from the centre and the weights, for rows whose squares float64 cannot hold: in units of the radius.

        A row is cut to the radius from wherever it comes, so giants may be shrunk as long as they stay far away.
        """
        rows, unit = within_reach(seen, exponent(self.radius))
        weights = self._weigh(self._products(rows), math.ldexp(self.radius, -unit))
        return times_power(mix(weights[None], rows)[0], unit), times_power(weights, rows.shifts + unit)

    def _products(self, seen: Rows) -> Gram:
        """Inner products [n, n] of the rows seen from the centre; for one step their squared lengths alone.

        The centre is subtracted first, which costs no digits. Nor do later steps: k of them lead k * radius away at
        most, so rows that are still cut lie at most k + 1 times as far from the centre as from there.
        """
        return inner_products(seen) if self.iterations > 1 else lengths(seen).square().diag()

    def _weigh(self, products: Gram, radius: float) -> Weights:
        """The weight of each row in the last point, given inner products seen from the first."""
        weights = torch.zeros_like(products[0])
        for _ in range(self.iterations):
            towards = products @ weights
            squares = products.diagonal() - 2 * towards + weights @ towards
            shares = (radius / squares.clamp(min=0).sqrt()).clamp(max=1) / len(products)
            weights = (1 - shares.sum()) * weights + shares
        return weights


class RowsSeenFrom(Columns):
    """`rows` [n, d] minus a `centre` [d], in float64, worked out block by block."""

    def __init__(self, centre: Vector, rows: Rows) -> None:
        self.centre, self.rows = centre, rows
        self.shape, self.dtype, self.device = rows.shape, torch.float64, rows.device

    def read(self, start: int, stop: int) -> Tensor:
        return read(self.rows, start, stop).double() - self.centre[start:stop]

    def take(self, rows: Tensor) -> "RowsSeenFrom":
        return RowsSeenFrom(self.centre, take(self.rows, rows))
