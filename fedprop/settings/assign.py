"""Setting one place inside settings, by its path: `training.lr`, `attack.0.share`."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from fedprop.errors import InvalidConfig
from fedprop.settings.explain import shown


class Draft(dict[str, Any]):
    """The fields of a model that is being changed, and the model that they were taken from."""

    def __init__(self, model: BaseModel) -> None:
        super().__init__(vars(model))
        self.model = model


def assign(data: Any, keys: list[str], value: Any) -> Any:
    """`data` with the entry at a path of keys replaced; mappings on the way are made as needed.

    Models on the way come back as `Draft`s. `data` itself is left alone.

    Raises
    ------
    InvalidConfig
        If a key is empty, or the path leads through something that is neither a mapping nor a list with that index.
    """
    head, *rest = keys
    if not head:
        raise InvalidConfig("a path must have a name between its dots, as in training.lr; found an empty one")
    if isinstance(data, list | tuple):
        return _assign_item(data, head, rest, value)
    inside = _open(data)
    if inside is None:
        raise InvalidConfig(f"`{head}` cannot be set inside {shown(data)}, which is no mapping")
    inside[head] = assign(inside.get(head), rest, value) if rest else value
    return inside


def _open(data: Any) -> dict[str, Any] | None:
    """What can be set inside of, as a copy; None if nothing can."""
    if isinstance(data, Draft):
        copy = Draft(data.model)
        copy.update(data)
        return copy
    if isinstance(data, BaseModel):
        return Draft(data)
    if data is None:
        return {}
    return dict(data) if isinstance(data, Mapping) else None


def _assign_item(data: list[Any] | tuple[Any, ...], head: str, rest: list[str], value: Any) -> list[Any]:
    if not (head.isascii() and head.isdigit() and len(head) < 10 and int(head) < len(data)):
        numbered = f", and whose entries have the numbers 0 ... {len(data) - 1}" if data else ""
        raise InvalidConfig(f"`{head}` cannot be set inside {shown(data)}, which is no mapping{numbered}")
    items = list(data)
    items[int(head)] = assign(items[int(head)], rest, value) if rest else value
    return items
