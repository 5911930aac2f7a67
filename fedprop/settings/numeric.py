"""What counts as a number: no truth value, since `rounds: true` is not one round, and no integer beyond 64 bits."""

from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

LIMIT = 2**63
"""Integers from here on do not fit in 64 bits, and so in no tensor, record or file."""

_HOLDING = ("schema", "items_schema", "keys_schema", "values_schema", "choices", "fields", "definitions", "steps")
"""Where pydantic's schemas hold other schemas."""


def guard_numbers(schema: CoreSchema, owner: type) -> CoreSchema:
    """The schema of the model `owner` with numbers that are numbers; other models in it are left as they are."""
    return _guarded(schema, owner)  # type: ignore[no-any-return]


def _guarded(schema: Any, owner: type) -> Any:
    if isinstance(schema, list | tuple):
        return type(schema)(_guarded(item, owner) for item in schema)
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in ("int", "float"):
        check = _whole if schema["type"] == "int" else _number
        return core_schema.no_info_before_validator_function(check, schema)
    if _is_guarded(schema) or (schema.get("type") == "model" and schema["cls"] is not owner):
        return schema
    return schema | {name: _inside(name, schema[name], owner) for name in _HOLDING if name in schema}


def _inside(name: str, value: Any, owner: type) -> Any:
    """The schemas that stand in one place: by name in a model's fields and a union's choices."""
    if name in ("fields", "choices") and isinstance(value, dict):
        return {key: _guarded(item, owner) for key, item in value.items()}
    return _guarded(value, owner)


def _is_guarded(schema: Any) -> bool:
    return schema.get("type") == "function-before" and schema["function"].get("function") in (_whole, _number)


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "Input should be a number, not true or false")
    return value


def _whole(value: Any) -> Any:
    value = _number(value)
    if isinstance(value, int) and not -LIMIT <= value < LIMIT:
        bound = f"less than {LIMIT}" if value > 0 else f"greater than or equal to -{LIMIT}"
        raise PydanticCustomError("number_size", "Input should be {bound}", {"bound": bound})
    return value
