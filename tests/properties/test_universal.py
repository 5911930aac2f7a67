"""Each universal property catches a rule that breaks it, and lets the mean pass."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fedprop.aggregators import Aggregation, Aggregator, Cohort, Contract, Krum, Mean, Region
from fedprop.properties import Case, PropertyViolated
from fedprop.properties.universal import UNIVERSAL

CASE = Case(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]]), (True, True, True), 0)
BY_NAME = {prop.name: prop for prop in UNIVERSAL}


def shifted_in_place(rows: Tensor) -> Tensor:
    rows -= 1
    return rows.mean(dim=0)


class Calls:
    """A different answer at every call."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, rows: Tensor) -> Tensor:
        self.count += 1
        return rows.mean(dim=0) + self.count


class Trails:
    """The mean of the rows and of the answer before: equal rows have equal answers only when asked in a row."""

    def __init__(self) -> None:
        self.before: Tensor | None = None

    def __call__(self, rows: Tensor) -> Tensor:
        now = rows.mean(dim=0)
        self.before = now if self.before is None else (now + self.before) / 2
        return self.before


class Crooked(Aggregator):
    """A rule whose full form gives another answer, or weights that are none."""

    kind: str = "crooked"
    offset: float
    weight: float = 1.0

    def combine(self, cohort: Cohort, state: object) -> Aggregation:
        weights = torch.full((len(cohort.updates),), self.weight)
        return Aggregation(cohort.updates.mean(dim=0) + self.offset, weights, state)

    def value(self, updates: Tensor) -> Tensor:
        return updates.mean(dim=0)


BROKEN: list[tuple[str, Callable[[Tensor], Tensor], str]] = [
    ("shape", lambda rows: rows.mean(), r"\[\], torch.float32"),
    ("shape", lambda rows: rows.mean(dim=0).float(), "torch.float32, cpu for .*torch.float64"),
    ("finite", lambda rows: rows.mean(dim=0) / 0, "inf"),
    ("untouched", shifted_in_place, "the rows afterwards are"),
    ("untouched", lambda rows: rows[0], "shares memory"),
    ("repeatable", Calls(), "when asked again"),
    ("repeatable", Trails(), "when asked again, with other rows in between"),
    ("precision", lambda rows: rows.half().to(rows.dtype).mean(dim=0) * (1 + rows.element_size()), "in float64"),
    ("full form", Crooked(offset=1.0), "from `aggregate`"),
    ("full form", Crooked(offset=0.0, weight=float("nan")), "weights"),
]


@pytest.mark.parametrize(("name", "rule", "found"), BROKEN)
def test_broken_rule_is_caught(name: str, rule: Callable[[Tensor], Tensor], found: str) -> None:
    with pytest.raises(PropertyViolated, match=found) as caught:
        BY_NAME[name].check(rule, CASE, Contract())
    assert caught.value.name == name


@pytest.mark.parametrize("prop", UNIVERSAL, ids=lambda prop: prop.name)
@pytest.mark.parametrize("rule", [Mean(), lambda rows: rows.mean(dim=0)])
def test_a_sound_rule_passes(prop: object, rule: Callable[[Tensor], Tensor]) -> None:
    BY_NAME[prop.name].check(rule, CASE, Contract())
    assert BY_NAME[prop.name].claimed(Contract())


def test_a_wrong_pick_in_float32_is_caught_by_its_score() -> None:
    """Distances from float32 inner products without centring: the mistake is far below the rounding of the rows."""

    def uncentred(rows: Tensor) -> Tensor:
        gram = rows @ rows.T
        distances = gram.diagonal()[:, None] + gram.diagonal()[None] - 2 * gram
        scores = distances.fill_diagonal_(torch.inf).sort(dim=1).values[:, :3].sum(dim=1)
        return rows[scores.argmin()].clone()

    noise = torch.randn(7, 20, generator=torch.Generator().manual_seed(1))
    case = Case(1e3 + 1e-3 * noise, (True,) * 7, 0)
    contract = Krum(f=2).contract()
    assert contract.lies_in is Region.ROW
    BY_NAME["precision"].check(Krum(f=2), case, contract)
    with pytest.raises(PropertyViolated, match="in float32"):
        BY_NAME["precision"].check(uncentred, case, contract)
