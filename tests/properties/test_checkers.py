from dataclasses import replace

import pytest
import torch
from hypothesis import given
from torch import Tensor

from fedprop.aggregators import Contract, Krum, Median, TrimmedMean
from fedprop.aggregators.contract import unstated
from fedprop.properties import (
    PROPERTIES,
    Case,
    Finding,
    PropertyViolated,
    cases,
    check_contract,
    contract_of,
    properties_of,
)


@given(cases(f=1, min_rows=3))
def test_a_sound_rule_keeps_its_contract(case: Case) -> None:
    check_contract(TrimmedMean(f=1), case)


def test_a_long_answer_is_told_by_where_it_differs_most() -> None:
    due = torch.arange(60.0).reshape(2, 30)
    found = due.clone()
    found[1, 17], found[0, 4] = -1.0, torch.inf
    assert str(Finding(due[0], found[0], how="here")).startswith("[0.0, 1.0, 2.0, 3.0, 4.0, 5.0")
    assert str(Finding(due)) == "[0.0, 1.0, 2.0, ...] of shape [2, 30]"
    assert str(Finding(found, due)).endswith("of shape [2, 30], at [0, 4] inf instead of 4.0")
    due[0, 4] = torch.inf
    assert str(Finding(found, due)).endswith("of shape [2, 30], at [1, 17] -1.0 instead of 47.0")


def test_the_message_names_the_property_and_shows_the_input() -> None:
    case = Case(torch.tensor([[1.0], [2.0]]), (True, True), 0)
    with pytest.raises(PropertyViolated) as caught:
        check_contract(lambda rows: rows.sum(dim=0), case, contract=Contract(idempotent=True))
    assert caught.value.name == "idempotent"
    assert "idempotent: Rows that are all equal have that row as their answer." in str(caught.value)
    assert "input: Case(rows=[[1.0], [2.0]], byzantine=[], seed=0)" in str(caught.value)


def test_a_bare_callable_claims_nothing_but_must_behave() -> None:
    def rule(rows: Tensor) -> Tensor:
        return rows[0].clone()

    assert replace(contract_of(rule), ambiguous=unstated) == Contract()
    assert {prop.name for prop in properties_of(rule, Contract())} == {
        "shape",
        "finite",
        "untouched",
        "repeatable",
        "precision",
        "full form",
        "streaming",
        "devices",
        "examples",
    }


def test_claims_decide_which_properties_apply() -> None:
    krum = {prop.name for prop in properties_of(Krum(f=1), Krum(f=1).contract())}
    median = {prop.name for prop in properties_of(Median(), Median().contract())}
    assert krum - median == {"orthogonal", "weights"}
    assert median - krum == {"separable", "monotone", "unattacked"}
    assert "definition" in median


def test_every_property_has_a_name_a_sentence_and_a_source() -> None:
    assert len({prop.name for prop in PROPERTIES}) == len(PROPERTIES)
    for prop in PROPERTIES:
        assert prop.statement.endswith(".")
        assert prop.source
