"""Executable claims about rules, to use with Hypothesis on a rule of one's own.

`strategies.cases` makes inputs, `Property` is one claim with a name, a statement and a source, and `check_contract`
tries all claims of a rule on one input::

    @given(cases(f=2, min_rows=7))
    def test_my_rule(case):
        check_contract(MyRule(f=2), case)
"""

from fedprop.properties.base import Finding, Property, PropertyViolated, Rule
from fedprop.properties.case import Case
from fedprop.properties.checkers import PROPERTIES, check_contract, contract_of, properties_of
from fedprop.properties.claims import claims
from fedprop.properties.definition import agrees_with, oracle_for
from fedprop.properties.strategies import cases

__all__ = [
    "PROPERTIES",
    "Case",
    "Finding",
    "Property",
    "PropertyViolated",
    "Rule",
    "agrees_with",
    "cases",
    "check_contract",
    "claims",
    "contract_of",
    "oracle_for",
    "properties_of",
]
