"""Every property there is, and the check of a whole contract."""

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.said import contract_said
from fedprop.properties.base import Property, Rule
from fedprop.properties.breakdown import BREAKDOWN
from fedprop.properties.case import Case
from fedprop.properties.claims import declared
from fedprop.properties.comparison import settled
from fedprop.properties.definition import agrees_with, oracle_for
from fedprop.properties.invariances import INVARIANCES
from fedprop.properties.robustness import ROBUSTNESS
from fedprop.properties.universal import UNIVERSAL

PROPERTIES: tuple[Property, ...] = (*UNIVERSAL, *INVARIANCES, *ROBUSTNESS, BREAKDOWN)
"""Every property that needs nothing but a rule and its contract."""


def contract_of(rule: Rule) -> Contract:
    """What a rule claims: an aggregator's contract, what `claims` attached to a callable, or nothing.

    Raises
    ------
    InvalidConfig
        If an aggregator does not say it by a contract.
    """
    contract = contract_said(rule) if isinstance(rule, Aggregator) else declared(rule) or Contract()
    return settled(contract, rule)


def properties_of(rule: Rule, contract: Contract) -> tuple[Property, ...]:
    """The properties that a rule with this contract must have, agreement with its definition among them."""
    oracle = oracle_for(rule) if isinstance(rule, Aggregator) else None
    definition = () if oracle is None else (agrees_with(oracle),)
    return (*(p for p in PROPERTIES if p.claimed(contract)), *definition)


def check_contract(rule: Rule, case: Case, *, contract: Contract | None = None) -> None:
    """Check everything that `rule` claims, and what no rule need claim, on one case.

    `rule` is an aggregator or any callable from rows [n, d] to a vector [d]; `contract` replaces its own claims.

    Raises
    ------
    PropertyViolated
        At the first property that does not hold.

    >>> import torch
    >>> case = Case(torch.tensor([[0.0], [1.0], [5.0]]), honest=(True, True, True), f=0)
    >>> check_contract(lambda rows: rows.mean(dim=0), case, contract=Contract(translation=True))
    """
    contract = contract_of(rule) if contract is None else contract
    for prop in properties_of(rule, contract):
        prop.check(rule, case, contract)
