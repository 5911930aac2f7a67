"""Truth values do not count as numbers: `rounds: true` is a mistake, not one round."""

from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_HOLDING = ("schema", "items_schema", "keys_schema", "values_schema", "choices", "fields", "definitions", "steps")
"""Where pydantic's schemas hold other schemas."""


def refuse_truth_values(schema: CoreSchema, owner: type) -> CoreSchema:
    """The schema of the model `owner`, in which no number takes true or false, other models left as they are."""
    return _guarded(schema, owner)  # type: ignore[no-any-return]


def _guarded(schema: Any, owner: type) -> Any:
    if isinstance(schema, list | tuple):
        return type(schema)(_guarded(item, owner) for item in schema)
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in ("int", "float"):
        return core_schema.no_info_before_validator_function(_number, schema)
    if _is_guarded(schema) or (schema.get("type") == "model" and schema["cls"] is not owner):
        return schema
    return schema | {name: _inside(name, schema[name], owner) for name in _HOLDING if name in schema}


def _inside(name: str, value: Any, owner: type) -> Any:
    """The schemas that stand in one place: by name in a model's fields and a union's choices."""
    if name in ("fields", "choices") and isinstance(value, dict):
        return {key: _guarded(item, owner) for key, item in value.items()}
    return _guarded(value, owner)


def _is_guarded(schema: Any) -> bool:
    return schema.get("type") == "function-before" and schema["function"].get("function") is _number


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "Input should be a number, not true or false")
    return value
