"""Zeno++: each update is let in by itself, if it leads where the server's own gradient says that the loss falls."""

from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import JoinedRows
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.inner_products import products_with
from fedprop.aggregators.server_side import like_rows
from fedprop.aggregators.views import Seen, seen_by_direction
from fedprop.types import NonNegative


class ZenoPlusPlus(FramedRule):
    """The mean of the rows that promise descent, each at the length of the server's own update; zero if none does.

    It is the check at the door of an asynchronous server: with `policy: fedasync`, or a `fedbuff` of one, every update
    that arrives is judged alone, and one that is refused leaves the model as it is. Rows that come together are judged
    alone, too, and those that are let in averaged; that is fedprop's extension of it.

    A row x is first brought to the length of r, the update of the server's training on its own examples; it is let in
    if <r, x> - rho ||x||^2 >= -epsilon, which with epsilon 0 is to say that its cosine with r is at least `rho`. A row
    of zeros has no direction and is refused, as all rows are while r is zero. r is trained anew with the present model
    in every `every`-th aggregation, and kept in between. So whatever is sent, the model moves by ||r|| at most.

    In the paper's terms x = -gamma g and r = -gamma v, where v is the gradient of the server's loss at a model up to
    `every` steps old: its rho is gamma times the one here, its epsilon the one here divided by gamma^2. Where
    `training` is one step of gradient descent that is the paper's check word for word; with more of it, r stands for
    -gamma v as the server's update does in FLTrust. The authors' code prices the length that the row had before; the
    paper's normalises first, as here. A row counts by its direction, so that how a policy discounts its length would
    have no effect: FedAsync's `mixing` must be 1, and `staleness` constant. A row of FedAsync leads from the present
    model to the client's; the paper's is the client's own step, which is what `fedbuff` with a buffer of one hands on.

    The weights of the full form are 1 / (number let in), or 0. The state is r and how many aggregations used it.

    Attributes
    ----------
    rho : the price of a unit of squared length, in units of <r, x>.
    epsilon : how much of a rise is let pass, as a squared length.
    every : aggregations in which one r serves; 1 trains in each.

    Raises
    ------
    InvalidUpdates
        If the cohort comes without a server side, or its update does not fit the rows or is not finite.

    Source: Xie, Koyejo and Gupta, "Zeno++: Robust Fully Asynchronous SGD", ICML 2020, Definition 2 and Algorithm 1.

    >>> from fedprop.aggregators import Reference
    >>> server = Reference(torch.tensor([5.0, 0.0]))
    >>> ZenoPlusPlus().aggregate(Cohort(torch.tensor([[0.3, 0.4]]), server=server)).value
    tensor([3., 4.])
    >>> ZenoPlusPlus().aggregate(Cohort(torch.tensor([[-0.3, 0.4]]), server=server)).value
    tensor([0., 0.])
    """

    mixes_seen: ClassVar[bool] = True
    looks_at: ClassVar[str] = "directions against the server's update"
    cost: ClassVar[str] = "n d"
    remembers: ClassVar[bool] = True

    kind: Literal["zeno_plus_plus"] = "zeno_plus_plus"
    rho: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.01
    epsilon: NonNegative = 0.0
    every: PositiveInt = 10

    @classmethod
    def examples(cls) -> tuple["ZenoPlusPlus", ...]:
        return cls(), cls(rho=0.5, epsilon=0.25, every=1), cls(rho=0.2, every=2)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"reference"})

    @property
    def by_direction(self) -> bool:
        return True

    def contract(self) -> Contract:
        # An epsilon is a length of its own, which does not grow with the rows.
        return Contract(
            permutation=True, scaling=self.epsilon == 0, orthogonal=True, idempotent=True, examples="ignored"
        )

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        held, used = state or (cohort.server_side.reference().clone(), 0)
        reference = like_rows(held, cohort.updates, "ZenoPlusPlus")
        found = super().combine(cohort, reference)
        return found._replace(state=(reference, used + 1) if used + 1 < self.every else None)

    def frame(self, cohort: Cohort, state: Any) -> Seen:
        """The rows and, after them, the server's update, whose products with each are all that is asked for."""
        every = JoinedRows(cohort.updates, state[None])
        return seen_by_direction(every, partial(products_with, len(every) - 1), unit_of=len(every) - 1)

    def judge(self, view: Seen, cohort: Cohort, state: Any) -> Judged:
        lengths = view.gram.diagonal().sqrt()
        known = (lengths > 0) & (lengths[-1] > 0)
        factors = (lengths[-1] / lengths).where(known, 0)
        gains = view.gram[-1] * factors - self.rho * lengths[-1] ** 2
        loss = view.length(self.epsilon**0.5)  # as a square; `**` raises an error where `*` says infinity
        accepted = (known & (gains >= -(loss * loss)))[:-1].double()
        shares = accepted / accepted.sum().clamp(min=1)
        return Judged(torch.cat([shares * factors[:-1], shares.new_zeros(1)]), shares=shares)
