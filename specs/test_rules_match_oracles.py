"""Every rule gives the answer of its definition, and keeps every claim of its contract.

The definitions are in `fedprop.oracles`: float64, plain loops, one formula per line, each with its source (Blanchard et
al. 2017, El Mhamdi et al. 2018, Xie et al. 2018, Yin et al. 2018, Pillutla et al. 2022, Allouah et al. 2023).
*Precondition:* finite rows, at least as many as the rule asks for. Where a definition leaves the answer open (equal
scores, several minimisers), "the same answer" is what `fedprop.properties.comparison.same_answer` says; on small
integers, where float64 is exact, ties must be broken exactly as the definition breaks them.

What is listed in `AGGREGATORS` and `STAGES` is tried because it is listed, in every configuration that it offers as an
example, alone and in chains.
"""

import inspect
import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES, Aggregator, Cohort, Stage, self_contained
from fedprop.aggregators.columns import in_memory
from fedprop.aggregators.rooted import told_by
from fedprop.errors import TooFewUpdates
from fedprop.oracles import ORACLES
from fedprop.oracles.server_side import server_knowing
from fedprop.properties import Case, agrees_with, cases, check_contract, contract_of, oracle_for
from fedprop.properties.comparison import difference
from fedprop.properties.strategies import grids, tied

every_rule = pytest.mark.parametrize("kind", AGGREGATORS.kinds)


CASES = 8
"""For each example of a profile so many cases of contracts are tried in all, whatever is listed."""


def share(kinds: Sequence[str]) -> int:
    """How many examples each of these gets of the cases, at least a quarter of a profile's, and at most half."""
    most = settings.default.max_examples
    return max(most // 4, min(most // 2, CASES * most // len(kinds)))


def draw_rule(data: st.DataObject, kind: str) -> Aggregator:
    return self_contained(data.draw(st.sampled_from(AGGREGATORS.kinds[kind].examples())))


def draw_chain(data: st.DataObject) -> Aggregator:
    """One stage or two, a rule behind them, and perhaps a postprocessor."""
    rule = data.draw(st.sampled_from(AGGREGATORS.examples()))
    for stage in data.draw(st.lists(st.sampled_from(STAGES.examples()), min_size=1, max_size=2)):
        rule = stage >> rule
    for after in data.draw(st.lists(st.sampled_from(POSTPROCESSORS.examples()), max_size=2)):
        rule = rule >> after
    return self_contained(rule)


def draw_case(data: st.DataObject, rule: Aggregator) -> Case:
    """Rows for a rule, of which as many are Byzantine as it is set to tolerate, or up to three."""
    set_to = getattr(rule, "f", None)
    f = data.draw(st.integers(0, 3)) if set_to is None else set_to
    return data.draw(cases(f=f, min_rows=max(rule.min_rows, 2 * f + 1)))


def check_definition(rule: Aggregator, case: Case) -> None:
    oracle = oracle_for(rule)
    assert oracle is not None
    agrees_with(oracle).check(rule, case, contract_of(rule))


@every_rule
@given(data=st.data())
def test_rule_agrees_with_its_definition(kind: str, data: st.DataObject) -> None:
    rule = draw_rule(data, kind)
    check_definition(rule, draw_case(data, rule))


@every_rule
@settings(max_examples=share(AGGREGATORS.kinds))
@given(data=st.data())
def test_rule_keeps_its_contract(kind: str, data: st.DataObject) -> None:
    rule = draw_rule(data, kind)
    check_contract(rule, draw_case(data, rule))


@given(data=st.data())
def test_chain_agrees_with_its_definition_and_keeps_its_contract(data: st.DataObject) -> None:
    chain = draw_chain(data)
    case = draw_case(data, chain)
    try:
        check_definition(chain, case)
        check_contract(chain, case)
    except TooFewUpdates:
        reject()  # a filter may leave fewer rows than the rule needs, which it then refuses


@every_rule
@given(data=st.data())
def test_ties_among_small_integers_are_broken_as_defined(kind: str, data: st.DataObject) -> None:
    rule = draw_rule(data, kind)
    contract = rule.contract()
    rows = data.draw(grids(tied, rule.min_rows + 2, 2))
    rows *= math.lcm(*range(1, len(rows) + 1))  # so that the means of some of the rows are integers too
    oracle = oracle_for(rule)
    assert oracle is not None
    assert difference(rule(rows), torch.tensor(oracle(rows.tolist()), dtype=torch.float64)) <= 1e3 * contract.precision


@pytest.mark.parametrize("kind", STAGES.kinds)
@given(data=st.data())
def test_stage_agrees_with_its_definition(kind: str, data: st.DataObject) -> None:
    stage: Stage = data.draw(st.sampled_from(STAGES.kinds[kind].examples()))
    rows = data.draw(cases(f=0, min_rows=max(3, stage.min_rows))).rows.double()
    parameters = {name: value for name, value in stage if name != "kind"}
    if "generator" in stage.asks:
        parameters["generator"] = torch.Generator().manual_seed(0)
    best = torch.ones(rows.shape[1], dtype=torch.float64)
    wanted = inspect.signature(ORACLES[kind]).parameters
    parameters |= {name: known for name, known in server_knowing(best.tolist()).items() if name in wanted}
    expected = torch.tensor(ORACLES[kind](rows.tolist(), **parameters), dtype=torch.float64)
    found = stage.answer(Cohort(rows).changed(**told_by(best)), stage.init()).updates
    assert difference(in_memory(found), expected) <= 1e-12 * float(rows.abs().max())


@pytest.mark.parametrize("kind", POSTPROCESSORS.kinds)
@settings(max_examples=share(AGGREGATORS.kinds))
@given(data=st.data())
def test_a_rule_with_a_postprocessor_keeps_the_claims_that_are_left_of_its_own(kind: str, data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(AGGREGATORS.examples()))
    after = data.draw(st.sampled_from(POSTPROCESSORS.kinds[kind].examples()))
    chain = self_contained(rule >> after)
    check_contract(chain, draw_case(data, chain))
