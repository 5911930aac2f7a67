"""Centered clipping: a rule that remembers where it was."""

from typing import Any, ClassVar, Literal

import torch
from numpy.typing import NDArray
from pydantic import PositiveInt

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import AddedRows, Rows
from fedprop.aggregators.contract import Contract, never
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.inner_products import inner_products, lengths
from fedprop.aggregators.views import Seen, seen_by_length
from fedprop.errors import InvalidUpdates
from fedprop.forms import taken
from fedprop.types import Gram, Positive, Vector, Weights


class CenteredClipping(FramedRule):
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

    mixes_seen: ClassVar[bool] = True
    remembers: ClassVar[bool] = True

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

    def frame(self, cohort: Cohort, state: Vector | NDArray[Any] | None) -> Seen:
        """The ways from the previous aggregate to the rows. It is subtracted first, which costs no digits.

        Nor do later steps: k of them lead k * radius away at most, so rows that are still cut lie at most k + 1 times
        as far from the first point as from there.
        """
        centre, rows = self._centre(cohort, state), cohort.updates
        ways = rows if centre is None else AddedRows(rows, centre[None], -1.0)
        return seen_by_length(ways, self.radius, self._products)

    def judge(self, view: Seen, cohort: Cohort, state: Any) -> Judged:
        return Judged(self._weigh(view.gram, view.length(self.radius)))

    def combine(self, cohort: Cohort, state: Vector | NDArray[Any] | None) -> Aggregation:
        way, weights, _ = super().combine(cohort, state)
        centre = self._centre(cohort, state)
        value = way if centre is None else (way + centre).to(way.dtype)
        return Aggregation(value, weights, value.clone())

    def _centre(self, cohort: Cohort, state: Vector | NDArray[Any] | None) -> Vector | None:
        """The previous aggregate; None for zero."""
        if state is None:
            return None
        centre, due = taken(state, "state", "CenteredClipping")[0], cohort.updates.shape[1:]
        if centre.shape != due:
            raise InvalidUpdates(
                f"`state` must have shape {list(due)} for CenteredClipping; found {list(centre.shape)}"
            )
        return centre

    def _products(self, rows: Rows) -> Gram:
        """Inner products [n, n]; for one step their squared lengths alone."""
        return inner_products(rows) if self.iterations > 1 else lengths(rows).square().diag()

    def _weigh(self, products: Gram, radius: float) -> Weights:
        """The weight of each row in the last point, given inner products seen from the first."""
        weights = torch.zeros_like(products[0])
        for _ in range(self.iterations):
            towards = products @ weights
            squares = products.diagonal() - 2 * towards + weights @ towards
            shares = (radius / squares.clamp(min=0).sqrt()).clamp(max=1) / len(products)
            weights = (1 - shares.sum()) * weights + shares
        return weights
