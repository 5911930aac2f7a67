"""A rule that says it sees NaN and infinity itself is tried on them."""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from fedprop.aggregators import Aggregation, Aggregator, Cohort, FoolsGold, Krum, Mean, Median
from fedprop.verify import verify


class Looks(Aggregator):
    """The mean of the rows, which are looked at when it is not finite."""

    kind: str = "looks"
    sees_not_finite: ClassVar[bool] = True

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows = cohort.updates
        assert isinstance(rows, Tensor)
        value = rows.mean(dim=0)
        self.look(rows, value)
        return Aggregation(value, torch.full((len(rows),), 1 / len(rows), dtype=rows.dtype), state)

    def look(self, rows: Tensor, value: Tensor) -> None:
        if not torch.isfinite(value).all():
            self.check_numbers(rows)


class Blind(Looks):
    kind: str = "blind"

    def look(self, rows: Tensor, value: Tensor) -> None:
        pass


class MissesInfinity(Looks):
    kind: str = "misses_infinity"

    def look(self, rows: Tensor, value: Tensor) -> None:
        if value.isnan().any():
            self.check_numbers(rows)


class FailsElsewise(Looks):
    kind: str = "fails_elsewise"

    def look(self, rows: Tensor, value: Tensor) -> None:
        if not torch.isfinite(value).all():
            raise ArithmeticError("no mean")


def failed(rule: Any) -> dict[str, str]:
    report = verify(rule, examples=5, f=1, curious=False, shrink=False)
    return {o.name: o.counterexample.found if o.counterexample else o.why for o in report.outcomes if o.fails}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Blind, "to nan in row"),
        (MissesInfinity, "inf in row"),
        (FailsElsewise, "ArithmeticError: no mean"),
    ],
)
def test_a_rule_that_lets_such_rows_through_is_caught(rule: type[Aggregator], told: str) -> None:
    found = failed(rule)
    assert found.keys() == {"not finite"}
    assert told in found["not finite"]


@pytest.mark.parametrize("rule", [Looks, Median, Krum, FoolsGold])
def test_a_rule_that_refuses_them_is_not(rule: type[Aggregator]) -> None:
    assert "not finite" not in failed(rule)


def test_a_rule_that_leaves_it_to_its_base_is_not_asked() -> None:
    assert "not finite" not in {outcome.name for outcome in verify(Mean, examples=2, f=1).outcomes}
