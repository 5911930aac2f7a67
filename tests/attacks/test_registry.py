import ast
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

import fedprop.attacks
from fedprop.attacks import ATTACKS, Attack, FangKrum

KINDS = [
    "none",
    "gaussian",
    "sign_flip",
    "label_flip",
    "false_alarms",
    "fang_krum",
    "fang_trimmed_mean",
    "fang_median",
    "targeted",
    "weight",
    "late",
    "alie",
    "min_max",
    "min_sum",
    "free_rider",
    "model_replacement",
]
ASSUMED = {"fang_krum": "krum", "fang_trimmed_mean": "trimmed_mean", "fang_median": "median"}


def test_the_built_in_kinds():
    assert list(ATTACKS.kinds)[: len(KINDS)] == KINDS
    assert ATTACKS.family == "attacks"


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_survives_its_written_form(kind):
    attack = ATTACKS.parse(kind)
    assert attack.kind == kind
    assert attack.assumes == ASSUMED.get(kind)
    assert ATTACKS.parse(attack.model_dump(mode="json")) == attack


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_key_is_refused(kind):
    with pytest.raises(ValidationError, match="lamda"):
        ATTACKS.parse({"kind": kind, "lamda": 1})


def test_an_attack_is_a_field_of_a_configuration():
    adapter = TypeAdapter(Annotated[Attack, ATTACKS])
    assert adapter.validate_python({"kind": "fang_krum", "epsilon": 0.5}) == FangKrum(epsilon=0.5)
    described = [schema["properties"]["kind"].get("const") for schema in adapter.json_schema()["anyOf"][: len(KINDS)]]
    assert set(described) >= set(KINDS)


@pytest.mark.parametrize("path", sorted(Path(fedprop.attacks.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_no_attack_imports_a_defense(path):
    imported = [node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    imported += [
        a.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import) for a in node.names
    ]
    inside = [module for module in imported if module.startswith("fedprop")]
    allowed = tuple(f"fedprop.{name}" for name in ("answers", "attacks", "errors", "forms", "registry", "types"))
    assert [module for module in inside if not module.startswith(allowed)] == []
