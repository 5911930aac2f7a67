"""Nothing here is without a specification: every rule has a definition, every spec a source."""

import ast
import re
from pathlib import Path

import pytest

from fedprop.aggregators import AGGREGATORS, STAGES
from fedprop.attacks import ATTACKS
from fedprop.oracles import ORACLES

SPECS = sorted((Path(__file__).parent.parent / "specs").rglob("test_*.py"))
RULES = {**AGGREGATORS.kinds, **STAGES.kinds}


def names_in(path):
    """Every name, attribute and text in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_there_are_specs():
    assert len(SPECS) >= 5


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_cites_a_source(path):
    statement = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert re.search(r"\b(19|20)\d\d\b", statement), f"{path.name} must name a paper and its year"


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_has_an_oracle(kind):
    assert kind in ORACLES


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_is_exercised_by_specs(kind):
    wanted = {kind, RULES[kind].__name__}
    everybody = {"AGGREGATORS", "STAGES"}
    users = [path.name for path in SPECS if names_in(path) & (wanted | everybody)]
    assert users


def test_every_attack_is_exercised_by_the_spec_of_partial_knowledge():
    """That spec tries all that the registry offers, so it cannot leave one out."""
    path = next(path for path in SPECS if path.name == "test_partial_knowledge.py")
    assert "\nALL = list(ATTACKS.examples())\n" in path.read_text(encoding="utf-8")
    assert len(ATTACKS.kinds) >= 7
