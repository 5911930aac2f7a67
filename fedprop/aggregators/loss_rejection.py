"""Error rate based rejection (ERR), loss function based rejection (LFR) and both (Union), around any rule."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import torch
from pydantic import NonNegativeInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import mix
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.filtered import only
from fedprop.aggregators.mean import Mean
from fedprop.aggregators.median import Median
from fedprop.aggregators.rule_field import RuleField
from fedprop.types import Updates, Weights

SHARE, AT_ONCE = 10, 2
"""Aggregates in memory for one question: one for so many rows, so that they are few beside these, or a few at least."""

SUBSETS = (Region.ROW, Region.HULL, Region.BOX)
"""Where an answer to some of the rows stays with regard to all of them."""


class LossRejection(Aggregator):
    """A rule on the rows that are left when the f with the worst effect on it have been removed.

    The effect of row i is told by the server's own examples: the error rate (`by="error"`, ERR) or the loss
    (`by="loss"`, LFR) of the aggregate of all rows, less that of the aggregate of all but row i. The f rows with the
    largest effects are removed, whether or not these are above 0. `union` removes the rows that either of the two
    removes, between f and 2f. Then the same rule aggregates the rest.

    Effects are often equal: an error rate has few values, and without a row that Krum did not choose its answer is the
    same. Which of equal ones go is drawn from the cohort's generator. By the order of the rows, attackers who stand
    first would be removed for where they stand, and honest clients for the same reason in every round.

    Where fewer rows than the rule's own `f` asks for are left, that is lowered until they are enough. Every round costs
    n + 1 aggregations and n models to test.

    Attributes
    ----------
    f : how many rows each criterion removes.
    by : the criterion.
    rule : the rule around which this is done; its memory, if it has one, is that of its answers to what is left.

    Raises
    ------
    ServerUnknown
        If the cohort comes without a generator, or without a server side that can tell losses or accuracies, as asked.

    Source: Fang, Cao, Jia and Gong, "Local Model Poisoning Attacks to Byzantine-Robust Federated Learning", USENIX
    Security 2020, Section 5; what happens to equal effects, to those below 0 and to the rule's f is left open there.

    >>> from fedprop.aggregators import QuadraticSide
    >>> rows = torch.tensor([[1.0], [2.0], [3.0], [90.0]])
    >>> cohort = Cohort(rows, server=QuadraticSide(torch.tensor([2.0])), generator=torch.Generator())
    >>> LossRejection(f=1).aggregate(cohort).value
    tensor([2.])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "the server's losses"
    cost: ClassVar[str] = "n aggregates, n losses"

    kind: Literal["loss_rejection"] = "loss_rejection"
    f: NonNegativeInt
    by: Literal["error", "loss", "union"] = "loss"
    rule: RuleField = Mean()

    @classmethod
    def examples(cls) -> tuple["LossRejection", ...]:
        return (cls(f=0), cls(f=1), cls(f=2, by="error"), cls(f=1, by="union", rule=Median()))

    @property
    def asks(self) -> frozenset[str]:
        own = {"error": {"accuracies"}, "loss": {"losses"}, "union": {"accuracies", "losses"}}[self.by]
        return self.rule.asks | own | {"generator"}

    @property
    def by_direction(self) -> bool:
        return self.rule.by_direction

    @property
    def min_rows(self) -> int:
        return _lowered(self.rule, 0).min_rows + self.f * (2 if self.by == "union" else 1)

    def requirement(self) -> str:
        return f"n >= {self.min_rows}, to leave {_lowered(self.rule, 0).requirement()},"

    def init(self) -> Any:
        return self.rule.init()

    def contract(self) -> Contract:
        """Of the order of the rows nothing is claimed: among equal effects a drawn place is a place."""
        own = self.rule.contract()
        lies_in = own.lies_in if own.lies_in in SUBSETS else Region.ANYWHERE
        return own.keeping("idempotent", "linear", examples=own.ignoring, lies_in=lies_in)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        n = len(cohort.updates)
        removed = self._removed(cohort, state) if self.f else set()
        kept = [i for i in range(n) if i not in removed]
        value, weights, state = self._of(cohort, kept, state)
        return Aggregation(value, weights.new_zeros(n).index_copy(0, _index(kept, cohort), weights), state)

    def _removed(self, cohort: Cohort, state: Any) -> set[int]:
        n = len(cohort.updates)
        order = torch.randperm(n, generator=cohort.generator)
        answered = self._leaving_out(cohort, state)
        asked: dict[str, list[Tensor]] = {name: [] for name in ("accuracies", "losses")}
        for some in torch.split(torch.arange(n), max(AT_ONCE, n // SHARE)):
            # One call, so that no aggregates are held while the next ones are made.
            self._ask(cohort, answered(some.tolist()), asked)
        # The aggregate of all rows is the same in every effect: the lowest error without a row is the largest effect.
        errors = {"losses": 1.0, "accuracies": -1.0}
        found = [sign * torch.cat(asked[name]).double() for name, sign in errors.items() if asked[name]]
        shuffled = [each.cpu().nan_to_num(nan=torch.inf, posinf=torch.inf)[order] for each in found]
        return {int(i) for each in shuffled for i in order[each.argsort(stable=True)[: self.f]]}

    def _leaving_out(self, cohort: Cohort, state: Any) -> Callable[[Sequence[int]], Updates]:
        """How the aggregates [k, d] of all rows but each of k are worked out, at once if the rule can do that."""
        n = len(cohort.updates)
        rule = _lowered(self.rule, n - 1)
        if (answered := rule.leaving_out(cohort)) is not None:
            return answered

        def others(some: Sequence[int]) -> list[list[int]]:
            return [[j for j in range(n) if j != i] for i in some]

        if (weigh := rule.weighing(cohort)) is not None:
            return lambda some: _mixed(cohort, others(some), weigh)
        return lambda some: self._values(cohort, others(some), state)

    def _values(self, cohort: Cohort, parts: Sequence[Sequence[int]], state: Any) -> Updates:
        """The aggregates [k, d] of some parts of the rows."""
        rows = cohort.updates
        found = torch.empty(len(parts), rows.shape[1], dtype=rows.dtype, device=rows.device)
        for place, kept in enumerate(parts):
            rule, some = self._some(cohort, kept)
            found[place] = rule.value_for(some, state)
        return found

    def _ask(self, cohort: Cohort, candidates: Updates, asked: dict[str, list[Tensor]]) -> None:
        server = cohort.server_side
        if self.by != "loss":
            asked["accuracies"].append(server.accuracies(candidates))
        if self.by != "error":
            asked["losses"].append(server.losses(candidates))

    def _of(self, cohort: Cohort, kept: Sequence[int], state: Any) -> Aggregation:
        """The rule's answer to some of the rows."""
        rule, some = self._some(cohort, kept)
        return rule.answer(some, state)

    def _some(self, cohort: Cohort, kept: Sequence[int]) -> tuple[Aggregator, Cohort]:
        """The rule for so many rows, and these rows."""
        some = only(cohort, kept)
        rule = _lowered(self.rule, len(kept))
        rule.check_form(some.updates)
        return rule, some


def _mixed(cohort: Cohort, parts: Sequence[Sequence[int]], weigh: Callable[[Sequence[int]], Weights]) -> Updates:
    """As `_values`, in one pass."""
    rows = cohort.updates
    weights = torch.zeros(len(parts), len(rows), dtype=torch.float64, device=rows.device)
    for weight, kept in zip(weights, parts, strict=True):
        weight[kept] = weigh(kept)
    return mix(weights, rows)


def _index(rows: Sequence[int], cohort: Cohort) -> Tensor:
    return torch.tensor(rows, dtype=torch.long, device=cohort.updates.device)


def _lowered(rule: Aggregator, n: int) -> Aggregator:
    """The rule with the largest f, up to its own, for which n rows are enough; with 0 if none is."""
    f = getattr(rule, "f", None)
    while isinstance(f, int) and f > 0 and rule.min_rows > n:
        f -= 1
        rule = rule.model_copy(update={"f": f})
    return rule
