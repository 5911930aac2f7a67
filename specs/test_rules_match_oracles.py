"""Every rule gives the answer of its definition, and keeps every claim of its contract.

The definitions are in `fedprop.oracles`: float64, plain loops, one formula per line, each with its source (Blanchard et
al. 2017, El Mhamdi et al. 2018, Xie et al. 2018, Yin et al. 2018, Pillutla et al. 2022, Allouah et al. 2023).
*Precondition:* finite rows, at least as many as the rule asks for. Where a definition leaves the answer open (equal
scores, several minimisers), "the same answer" is what `fedprop.properties.comparison.same_answer` says; on small
integers, where float64 is exact, ties must be broken exactly as the definition breaks them.
"""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import (
    Aggregator,
    Bulyan,
    CenteredClipping,
    FLTrust,
    FoolsGold,
    GeometricMedian,
    Krum,
    Mean,
    MeanAroundMedian,
    Median,
    NearestNeighbourMixing,
    NormClipping,
    Rooted,
    TrimmedMean,
)
from fedprop.oracles import ORACLES
from fedprop.properties import Case, agrees_with, cases, check_contract, oracle_for
from fedprop.properties.comparison import difference
from fedprop.properties.strategies import tied

Make = Callable[[int], Aggregator]

RULES: dict[str, Make] = {
    "mean": lambda _: Mean(),
    "median": lambda _: Median(),
    "trimmed mean": lambda f: TrimmedMean(f=f),
    "mean around median": lambda f: MeanAroundMedian(f=f),
    "krum": lambda f: Krum(f=f),
    "multi-krum": lambda f: Krum(f=f, m=3),
    "bulyan": lambda f: Bulyan(f=f),
    "geometric median": lambda _: GeometricMedian(),
    "centered clipping": lambda f: CenteredClipping(radius=1.0, iterations=1 + f),
    "fltrust": lambda _: Rooted(rule=FLTrust()),
    "foolsgold": lambda f: FoolsGold(averaged=f > 1),
    "mixing, trimmed mean": lambda f: NearestNeighbourMixing(f=f) >> TrimmedMean(f=f),
    "mixing, centered clipping": lambda f: NearestNeighbourMixing(f=f) >> CenteredClipping(radius=1.0),
    "clipping, fltrust": lambda _: Rooted(rule=NormClipping(max_norm=2.0) >> FLTrust()),
    "mixing, krum": lambda f: NearestNeighbourMixing(f=f) >> Krum(f=f),
    "clipping, mixing, median": lambda f: NormClipping(max_norm=2.0) >> NearestNeighbourMixing(f=f) >> Median(),
}

every_rule = pytest.mark.parametrize("make", RULES.values(), ids=RULES.keys())


def draw_rule_and_case(data: st.DataObject, make: Make) -> tuple[Aggregator, Case]:
    f = data.draw(st.integers(0, 3))
    rule = make(f)
    return rule, data.draw(cases(f=f, min_rows=max(rule.min_rows, 2 * f + 1)))


@every_rule
@given(data=st.data())
def test_rule_agrees_with_its_definition(make: Make, data: st.DataObject) -> None:
    rule, case = draw_rule_and_case(data, make)
    oracle = oracle_for(rule)
    assert oracle is not None
    agrees_with(oracle).check(rule, case, rule.contract())


@pytest.mark.slow
@every_rule
@given(data=st.data())
def test_rule_keeps_its_contract(make: Make, data: st.DataObject) -> None:
    check_contract(*draw_rule_and_case(data, make))


@pytest.mark.parametrize(
    "name", ["mean around median", "krum", "multi-krum", "bulyan", "mixing, krum", "mixing, trimmed mean"]
)
@given(data=st.data())
def test_ties_among_small_integers_are_broken_as_defined(name: str, data: st.DataObject) -> None:
    f = data.draw(st.integers(0, 3))
    rule = RULES[name](f)
    rows = torch.tensor(data.draw(tied(rule.min_rows + 2, 2)), dtype=torch.float64)
    if name.startswith("mixing"):
        rows = (len(rows) - f) * rows  # so that the means of n - f rows are integers too
    oracle = oracle_for(rule)
    assert oracle is not None
    assert difference(rule(rows), torch.tensor(oracle(rows.tolist()))) <= 1e-6


@pytest.mark.parametrize("stage", [NearestNeighbourMixing(f=1), NormClipping(max_norm=3.0)], ids=lambda s: s.kind)
@given(case=cases(f=0, min_rows=3))
def test_stage_agrees_with_its_definition(stage: NearestNeighbourMixing | NormClipping, case: Case) -> None:
    rows = case.rows.double()
    parameters = {name: value for name, value in stage if name != "kind"}
    expected = torch.tensor(ORACLES[stage.kind](rows.tolist(), **parameters), dtype=torch.float64)
    assert difference(stage(rows), expected) <= 1e-12 * float(rows.abs().max())
