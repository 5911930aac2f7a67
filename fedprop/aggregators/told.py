"""Rules that ask for the round or for random numbers, outside a simulation."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import NonNegativeInt, SerializeAsAny
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract

TELLABLE = frozenset({"round", "generator"})
"""What can be made up where nobody tells it; what takes a server is `Rooted`'s affair."""


class Told(Aggregator):
    """A rule that asks for the round or for random numbers, made one of rows alone: it is told made-up ones.

    So whatever is asked of rules can be asked of this one too; `fedprop verify` does so. What a cohort does tell is
    left as it is. The round is 0, and the generator begins at `seed` in every call.

    >>> from fedprop.aggregators import Bucketing, Mean
    >>> Told(rule=Bucketing(s=2) >> Mean())(torch.tensor([[1.0], [1.0], [4.0], [4.0]]))
    tensor([2.5000])
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["told"] = "told"
    rule: SerializeAsAny[Aggregator]
    seed: NonNegativeInt = 0

    @property
    def asks(self) -> frozenset[str]:
        return self.rule.asks - TELLABLE

    @property
    def by_direction(self) -> bool:
        return self.rule.by_direction

    @property
    def min_rows(self) -> int:
        return self.rule.min_rows

    def requirement(self) -> str:
        return self.rule.requirement()

    def too_few(self, n: int) -> str:
        return self.rule.too_few(n)

    def init(self) -> Any:
        return self.rule.init()

    def contract(self) -> Contract:
        """What the rule claims, given what it is told."""
        return self.rule.contract()

    def check_form(self, updates: Any) -> None:
        # Of columns the rule may be handed a tensor, which is looked at then.
        form = self.rule.check_form if isinstance(updates, Tensor) or self.rule.reads_columns else super().check_form
        form(updates)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        made_up = {"round": 0, "generator": torch.Generator().manual_seed(self.seed)}
        known = {name: value for name, value in made_up.items() if cohort.told[name] is None}
        rows = self.rule.readable(cohort.updates)
        return self.rule.answer(cohort.changed(updates=rows, told={**cohort.told, **known}), state)
