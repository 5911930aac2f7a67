"""The JSON schema says of a file what the program says of it."""

import json
import re
from pathlib import Path

import pytest
import yaml

from fedprop.experiments.experiment import Experiment, load_experiment
from fedprop.experiments.sweep import load_sweep

SIMS = Path(__file__).parent.parent.parent / "sims"


def test_schemas_fit_the_files_we_ship(fedprop):
    schemas = {kind: json.loads(fedprop("schema", kind)[1]) for kind in ("experiment", "sweep")}
    files = sorted(SIMS.rglob("*.yaml"))
    assert files
    for file in files:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        schema = schemas["sweep" if "axes" in settings else "experiment"]
        assert accepts(schema, settings, schema), file
        assert not accepts(schema, {**settings, "sead": 1}, schema), file


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"defense": "median"}, True),
        ({"defense": {"kind": "krum", "f": 2}}, True),
        ({"defense": [{"kind": "nearest_neighbour_mixing", "f": 1}, "mean"]}, True),
        ({"defense": {"kind": "my_rule.py:MyRule", "scale": 2}}, True),
        ({"attack": {"kind": "gaussian"}}, True),
        ({"attack": [{"kind": "gaussian"}, "label_flip"]}, True),
        ({"network": {"latency": 0.5}}, True),
        ({"defense": {"kind": "krum"}}, False),
        ({"defense": {"kind": "krumm", "f": 2}}, False),
        ({"attack": [{"kind": "gaussian", "chair": 0.2}]}, False),
        ({"network": {"latency": {"kind": "zipf"}}}, False),
        ({"rounds": "many"}, False),
    ],
)
def test_the_schema_takes_what_the_program_takes(changes, good):
    schema, settings = Experiment.model_json_schema(), {"rounds": 1, "clients": 9, **changes}
    assert accepts(schema, settings, schema) is good
    if good and "my_rule" not in str(changes):
        Experiment.model_validate(settings)


def accepts(schema, value, root):
    """Whether a JSON schema takes a value, as far as types, names, kinds and references go."""
    if "$ref" in schema:
        return accepts(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, root)
    choices = schema.get("anyOf", schema.get("oneOf"))
    if choices is not None and not any(accepts(choice, value, root) for choice in choices):
        return False
    if value != schema.get("const", value) or value not in schema.get("enum", [value]):
        return False
    if not isinstance(value, JSON_TYPES.get(schema.get("type"), object)):
        return False
    if isinstance(value, list):
        return all(accepts(schema.get("items", {}), item, root) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        if not set(schema.get("required", [])) <= set(value) or (_closed(schema) and set(value) - set(known)):
            return False
        return all(accepts(known.get(key, {}), item, root) for key, item in value.items())
    return not isinstance(value, str) or re.search(schema.get("pattern", ""), value) is not None


JSON_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": int | float, "null": type(None)}


def _closed(schema):
    return schema.get("additionalProperties") is False


@pytest.mark.parametrize("file", sorted(SIMS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_files_we_ship_are_valid(file, monkeypatch):
    monkeypatch.chdir(SIMS.parent)  # some name classes by their place, from where the files are shipped
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert (load_sweep if "axes" in settings else load_experiment)(file)


def test_schema_of_an_experiment_by_default(fedprop):
    assert json.loads(fedprop("schema")[1])["title"] == Experiment.__name__
