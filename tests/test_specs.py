"""Nothing here is without a specification, and whatever is listed is tried because it is listed."""

import ast
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from inspect import isabstract
from pathlib import Path

import pytest

import fedprop
from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES
from fedprop.attacks import ATTACKS
from fedprop.experiments.catalogue import REGISTRIES
from fedprop.oracles import MISREADINGS, ORACLES
from fedprop.registry import Registry

ROOT = Path(__file__).parent.parent
SPECS = sorted((ROOT / "specs").rglob("test_*.py"))
COMPOSED = {"Chain", "Pipeline", "Rooted", "Told"}
"""Classes that a list of kinds, or a wrapper in Python, stands for in a file, so that no name does."""

LIAR = '''
"""A plugin that lists a rule whose contract and whose definition are both wrong."""
from typing import Literal

import fedprop.oracles
from fedprop.aggregators import AGGREGATORS, Aggregation, Aggregator, Contract


class Liar(Aggregator):
    """The first row, half. Claims to move with the rows.

    Source: nobody.
    """

    kind: Literal["liar"] = "liar"

    def contract(self):
        return Contract(translation=True)

    def combine(self, cohort, state):
        weights = cohort.updates.new_zeros(len(cohort.updates))
        weights[0] = 0.5
        return Aggregation(cohort.updates[0] / 2, weights, state)


AGGREGATORS.kinds["liar"] = Liar
fedprop.oracles.ORACLES["liar"] = lambda rows: [0.0] * len(rows[0])
'''


def defined(registry: Registry) -> Iterator[type]:
    """The classes in the package that a registry could list."""
    for module in pkgutil.walk_packages(fedprop.__path__, "fedprop."):
        if module.name != "fedprop.__main__":
            importlib.import_module(module.name)
    waiting = [registry.base]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        named = "kind" in cls.model_fields and not cls.model_fields["kind"].is_required()
        if named and not isabstract(cls) and cls.__module__.startswith("fedprop.") and cls.__name__ not in COMPOSED:
            yield cls


def unlisted(registry: Registry) -> set[str]:
    """The names of those that it does not list, and that no listed kind brings along."""
    brought = {type(number) for other in REGISTRIES for cls in other.kinds.values() for number in brings(cls)}
    return {cls.__name__ for cls in {*defined(registry)} - {*registry.kinds.values()} - brought}


def brings(cls: type) -> tuple[object, ...]:
    """The numbers that a protocol or a probe has of its own."""
    found = getattr(cls, "numbers", ())
    return found if isinstance(found, tuple) else ()


def test_there_are_specs():
    assert len(SPECS) >= 5


def test_every_spec_cites_a_source():
    silent = []
    for path in SPECS:
        statement = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if not re.search(r"\b(19|20)\d\d\b", statement):
            silent.append(path.name)
    assert not silent, "these must name a paper and its year"


def test_every_rule_and_stage_has_an_oracle_with_misreadings():
    needed = {*AGGREGATORS.kinds, *STAGES.kinds, *POSTPROCESSORS.kinds}
    assert needed <= ORACLES.keys()
    assert needed <= {kind for kind, wrong in MISREADINGS.items() if wrong}


def test_every_oracle_is_of_something_listed():
    assert ORACLES.keys() <= {kind for registry in REGISTRIES for kind in registry.kinds}


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.family)
def test_every_kind_is_listed_and_offers_examples(registry):
    assert unlisted(registry) == set()
    for kind, cls in registry.kinds.items():
        examples = cls.examples()
        assert examples, kind
        assert all(type(example) is cls for example in examples), kind
        assert all(registry.parse(registry.dump(example)) == example for example in examples), kind


@pytest.mark.parametrize("registry", [AGGREGATORS, ATTACKS], ids=lambda registry: registry.family)
def test_a_line_missing_from_a_list_is_noticed(registry):
    *kept, dropped = registry.kinds.values()
    assert unlisted(Registry(registry.family, registry.base, kept)) == {dropped.__name__}


def test_a_rule_that_lies_turns_the_specs_red(tmp_path):
    """Nothing but the list says that it is there."""
    (tmp_path / "liar.py").write_text(LIAR, encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    specs = str(ROOT / "specs" / "test_rules_match_oracles.py")
    options = ["-q", "-p", "liar", "-p", "no:cacheprovider", "-k", "liar", "--rootdir", str(ROOT), specs]
    quick = {**os.environ, "FEDPROP_PROFILE": "first"}
    command = [sys.executable, "-c", code, *options]
    done = subprocess.run(command, cwd=ROOT, env=quick, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED specs/test_rules_match_oracles.py::test_rule_agrees_with_its_definition[liar]" in done.stdout
    assert "FAILED specs/test_rules_match_oracles.py::test_rule_keeps_its_contract[liar]" in done.stdout
