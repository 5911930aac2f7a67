"""Models built anew from what they hold, so that none stays in use that was made or changed without a check."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from fedprop.errors import InvalidConfig
from fedprop.settings.assign import Draft
from fedprop.settings.explain import explain


def rebuilt(value: Any, base: type[BaseModel]) -> Any:
    """A model or draft, every `base` in it validated again; the model itself if nothing about it changes by that.

    Raises
    ------
    InvalidConfig
        With one line for each mistake.
    """
    rebuild = _Rebuild(base)
    try:
        made = rebuild.any(value, "")
    except RecursionError:
        raise InvalidConfig("settings must not be nested without end; found some that hold themselves") from None
    if rebuild.mistakes:
        raise InvalidConfig("\n".join(rebuild.mistakes))
    return made


_WRONG = object()
"""Stands for a part whose mistakes are told already."""


class _Rebuild:
    """One pass through a tree of settings, from the leaves to the root; what has not changed stays the same object."""

    def __init__(self, base: type[BaseModel]) -> None:
        self.base = base
        self.mistakes: list[str] = []

    def any(self, value: Any, path: str) -> Any:
        """Whatever stands at a path."""
        if isinstance(value, (Draft, self.base)):
            return self._model(value, path)
        if isinstance(value, list | tuple):
            items = [self.any(item, _below(path, place)) for place, item in enumerate(value)]
            return value if all(map(_is, items, value)) else items
        if isinstance(value, Mapping):
            entries = {key: self.any(item, _below(path, key)) for key, item in value.items()}
            return value if all(map(_is, entries.values(), value.values())) else entries
        return value

    def _model(self, value: Draft | BaseModel, path: str) -> Any:
        model, held = (value.model, value) if isinstance(value, Draft) else (value, vars(value))
        cls = type(model)
        old = vars(model)
        names = [name for name in held if not (_is(held[name], old.get(name)) and _cached(cls, name))]
        fields = {name: self.any(held[name], _below(path, name)) for name in names}
        chosen = {name for name in names if name in model.model_fields_set or not _is(held[name], old.get(name))}
        if path and held.get("kind") != old.get("kind"):
            return {name: fields[name] for name in chosen}  # another class, which whoever holds it finds by its kind
        try:
            made = cls.model_validate(fields)
        except ValidationError as error:
            self.mistakes += [_placed(line, path) for line in explain(error, fields, known=_WRONG)]
            return _WRONG
        made.__pydantic_fields_set__.intersection_update(chosen)
        return model if model is value and _same(made, model) else made


def _cached(cls: type[BaseModel], name: str) -> bool:
    """Whether a name is no field, but that of a property which remembers its value."""
    return isinstance(getattr(cls, name, None), cached_property)


def _below(path: str, place: object) -> str:
    return f"{path}.{place}" if path else str(place)


def _placed(line: str, path: str) -> str:
    """A sentence about part of a model as one about the whole."""
    if not path:
        return line
    return f"`{path}.{line[1:]}" if line.startswith("`") else f"`{path}`: {line}"


def _is(one: object, other: object) -> bool:
    return one is other


def _same(one: BaseModel, other: BaseModel) -> bool:
    """Whether two models hold the same; where that cannot be told, as for two arrays, they do not."""
    pairs = [(vars(one).get(name), vars(other).get(name)) for name in type(one).model_fields]
    try:
        return all(a is b or (type(a) is type(b) and bool(a == b)) for a, b in pairs)
    except Exception:  # whatever the value of somebody else's class raises
        return False
