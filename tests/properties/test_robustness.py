"""Each robustness property catches a rule that breaks it; the geometry behind them is right."""

from dataclasses import replace
from math import comb

import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, Cohort, Contract, Kappa, Mean, Median, NormClipping, Region
from fedprop.aggregators.contract import minority
from fedprop.properties import Case, PropertyViolated
from fedprop.properties.robustness import ROBUSTNESS, SUBSETS, errors_and_spreads, honest_sets, in_box, in_hull

CASE = Case(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [50.0, 50.0]]), (True, True, True, False), 1)
BY_NAME = {prop.name: prop for prop in ROBUSTNESS}
SQUARE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)


class Weighted(Aggregator):
    """The mean with weights that are made up."""

    kind: str = "weighted"
    weight: float

    def combine(self, cohort: Cohort, state: object) -> Aggregation:
        weights = torch.full((len(cohort.updates),), self.weight, dtype=cohort.updates.dtype)
        return Aggregation(weights @ cohort.updates, weights, state)


class Pretended(Weighted):
    """As above, but the weights do not make the answer."""

    kind: str = "pretended"

    def combine(self, cohort: Cohort, state: object) -> Aggregation:
        return Aggregation(cohort.updates[0].clone(), super().combine(cohort, state).weights, state)


@pytest.mark.parametrize(
    ("rule", "found"), [(Weighted(weight=0.5), "do not sum to one"), (Pretended(weight=0.25), "instead of")]
)
def test_wrong_weights_are_caught(rule: Aggregator, found: str) -> None:
    contract = Contract(linear=True, translation=True)
    with pytest.raises(PropertyViolated, match=found):
        BY_NAME["weights"].check(rule, CASE, contract)


def test_weights_need_not_sum_to_one_if_a_shift_is_not_followed() -> None:
    rule = NormClipping(max_norm=0.5) >> Mean()
    BY_NAME["weights"].check(rule, CASE, rule.contract())
    BY_NAME["weights"].check(lambda rows: rows[0], CASE, rule.contract())


@pytest.mark.parametrize("region", [Region.ROW, Region.HULL, Region.BOX, Region.HONEST_BOX])
def test_an_answer_outside_is_caught(region: Region) -> None:
    contract = Contract(lies_in=region, tolerates=minority)
    assert BY_NAME["region"].claimed(contract)
    with pytest.raises(PropertyViolated, match=f"is not in: {region.value}"):
        BY_NAME["region"].check(lambda rows: rows.amax(dim=0) + 1, CASE, contract)
    BY_NAME["region"].check(lambda rows: rows[0].clone(), CASE, contract)


def test_anywhere_is_always_kept() -> None:
    BY_NAME["region"].check(lambda rows: rows[0] + 99, CASE, Contract())
    assert not BY_NAME["region"].claimed(Contract())


def test_the_mean_does_not_keep_the_honest_box() -> None:
    with pytest.raises(PropertyViolated, match="honest"):
        BY_NAME["region"].check(Mean(), CASE, Median().contract())


def test_the_mean_does_not_have_the_medians_kappa() -> None:
    with pytest.raises(PropertyViolated, match=r"rows \[0, 1, 2\], whose spread is .*f=1 \(specs/test_exact_constants"):
        BY_NAME["kappa"].check(Mean(), CASE, Median().contract())
    BY_NAME["kappa"].check(Median(), CASE, Median().contract())
    BY_NAME["kappa"].check(Mean(), CASE, Contract())


def test_a_kappa_that_is_too_small_is_caught() -> None:
    case = Case(torch.tensor([[0.0], [0.0], [3.0], [4.0], [9.0]]), (True,) * 5, 0)
    contract = replace(Median().contract(), kappa=Kappa(lambda _n, _f: 0.0, "wishful thinking"))
    with pytest.raises(PropertyViolated, match="wishful thinking"):
        BY_NAME["kappa"].check(Median(), case, contract)


@pytest.mark.parametrize(
    ("z", "inside"),
    [((0.5, 0.5), True), ((0.0, 0.0), True), ((0.0, 0.7), True), ((1.3, 0.5), False), ((-0.01, -0.01), False)],
)
def test_hull_of_a_square(z: tuple[float, float], inside: bool) -> None:
    assert in_hull(SQUARE, torch.tensor(z, dtype=torch.float64), slack=1e-6) is inside


def test_what_is_undecided_counts_as_inside() -> None:
    just_outside = torch.tensor([1 + 1e-5, 0.5], dtype=torch.float64)
    assert in_hull(SQUARE, just_outside, slack=1e-9)


def test_hull_is_not_the_box() -> None:
    corner = torch.tensor([0.9, 0.9], dtype=torch.float64)
    assert in_box(SQUARE[:3], corner, f=0)
    assert not in_hull(SQUARE[:3], corner)


def test_box_shrinks_with_f() -> None:
    rows = torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0]])
    assert [in_box(rows, torch.tensor([1.0]), f=f) for f in (0, 1, 2)] == [True, True, False]


def test_all_honest_sets_or_a_random_choice() -> None:
    every = honest_sets(6, 2)
    assert len(every.unique(dim=0)) == len(every) == comb(6, 2)
    assert (every.sum(dim=1) == 4).all()
    some = honest_sets(20, 5, seed=1)
    assert len(some) == SUBSETS
    assert (some.sum(dim=1) == 15).all()


def test_errors_and_spreads_of_one_set() -> None:
    sets = torch.tensor([[True, True, False, False]])
    errors, spreads = errors_and_spreads(SQUARE, SQUARE[2], sets)
    assert float(errors) == pytest.approx(1.25**0.5)
    assert float(spreads) == pytest.approx(0.5)
