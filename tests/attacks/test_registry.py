import ast
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

import fedprop.attacks
from fedprop.aggregators import Mean
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import ATTACKS, Attack, FangKrum, FangMedian, FangTrimmedMean


def test_an_attack_survives_its_written_form():
    examples = ATTACKS.examples()
    assert {attack.kind for attack in examples} == set(ATTACKS.kinds)
    assert [attack for attack in examples if ATTACKS.parse(attack.model_dump(mode="json")) != attack] == []


def test_the_rule_that_an_attack_assumes_can_be_asked():
    assert all(AssumedRule(attack.assumes, Mean()) for attack in ATTACKS.examples())
    assert [cls.assumes for cls in (FangKrum, FangTrimmedMean, FangMedian)] == ["krum", "trimmed_mean", "median"]


def test_an_unknown_key_is_refused():
    for attack in ATTACKS.examples():
        with pytest.raises(ValidationError, match="lamda"):
            ATTACKS.parse({**attack.model_dump(mode="json"), "lamda": 1})


def test_an_attack_is_a_field_of_a_configuration():
    adapter = TypeAdapter(Annotated[Attack, ATTACKS])
    assert adapter.validate_python({"kind": "fang_krum", "epsilon": 0.5}) == FangKrum(epsilon=0.5)
    *described, _, _, _ = adapter.json_schema()["anyOf"]
    assert [schema["properties"]["kind"]["const"] for schema in described] == list(ATTACKS.kinds)


@pytest.mark.parametrize("path", sorted(Path(fedprop.attacks.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_no_attack_imports_a_defense(path):
    imported = [node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    imported += [
        a.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import) for a in node.names
    ]
    inside = [module for module in imported if module.startswith("fedprop")]
    allowed = tuple(f"fedprop.{name}" for name in ("answers", "attacks", "errors", "forms", "registry", "types"))
    assert [module for module in inside if not module.startswith(allowed)] == []
