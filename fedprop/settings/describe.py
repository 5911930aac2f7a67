"""What can be set, in words: names, types, defaults, and what the docstrings say of them."""

import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Len, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

_PLAIN = {int: "integer", float: "number", str: "text", bool: "true or false", NoneType: "null"}
HUGE = 2**53
"""Bounds from here on are left out of descriptions: floats no longer tell neighbouring integers apart."""

_SIGNS = {Ge: (">=", "ge"), Gt: (">", "gt"), Le: ("<=", "le"), Lt: ("<", "lt")}


@dataclass(frozen=True)
class Setting:
    """One field of a model: its name, what may stand there, what stands there if nothing is said, and what it is."""

    name: str
    type: str
    default: str
    meaning: str


def settings_of(cls: type[BaseModel]) -> list[Setting]:
    """The fields of a model in the order in which it has them, its `kind` left out."""
    meanings = _meanings(cls)
    return [
        Setting(name, _type(info.annotation, info.metadata), _default(info), meanings.get(name, info.description or ""))
        for name, info in cls.model_fields.items()
        if name != "kind"
    ]


def parts_of(cls: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models that may stand in the fields of a model, and in theirs."""
    for info in cls.model_fields.values():
        for part in _models(info.annotation):
            yield part
            yield from parts_of(part)


def summary_of(cls: type[BaseModel]) -> str:
    """The first line of a class's docstring."""
    return (cls.__doc__ or "").strip().split("\n")[0]


def source_of(cls: type) -> str:
    """Where a class is defined, as its docstring says after "Source:"; empty if it does not say."""
    told = inspect.cleandoc(cls.__doc__ or "").partition("Source: ")[2].split("\n\n")[0]
    return " ".join(told.split())


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _type(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """What may stand in a field, for a person."""
    for mark in metadata:
        if told := getattr(mark, "told", ""):
            return str(told)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0], inner[1:])
    if origin in (Union, UnionType):
        return _either(inner)
    if origin is Literal:
        return " or ".join(map(str, inner))
    if origin in (tuple, list):
        return f"list of {_type(inner[0]).removeprefix('one of the ')}" + _limits(metadata)
    if origin is dict:
        return f"mapping from {_type(inner[0])} to {_type(inner[1])}"
    return _PLAIN.get(annotation, getattr(annotation, "__name__", "anything")) + _limits(metadata)


def _either(choices: tuple[Any, ...]) -> str:
    """A choice of types; models that are told apart by their kind go by it."""
    kinds = [kind for choice in choices if (kind := _kind(choice))]
    others = [_type(choice) for choice in choices if not _kind(choice)]
    return " or ".join([f"kind {', '.join(kinds)}", *others] if kinds else others)


def _kind(choice: Any) -> str:
    """The kind of a class that has one."""
    field = choice.model_fields.get("kind") if isinstance(choice, type) and issubclass(choice, BaseModel) else None
    return "" if field is None or field.is_required() else str(field.default)


def _limits(metadata: Iterable[Any]) -> str:
    """The bounds among the marks of a field."""
    marks = [part for mark in metadata for part in (mark.metadata if isinstance(mark, FieldInfo) else [mark])]
    bounds = [(mark, sign, name) for mark in marks for kind, (sign, name) in _SIGNS.items() if isinstance(mark, kind)]
    found = [f" {sign} {getattr(mark, name):g}" for mark, sign, name in bounds if abs(getattr(mark, name)) < HUGE]
    found += [
        f" at least {mark.min_length}" for mark in marks if isinstance(mark, Len | MinLen) and mark.min_length > 1
    ]
    return ",".join(found)


def _default(info: FieldInfo) -> str:
    return "required" if info.is_required() else spelled(info.get_default(call_default_factory=True))


def spelled(value: Any) -> str:
    """A value as a file spells it; of a model, what differs from its defaults.

    >>> spelled((1, None, True, "a"))
    '[1, null, true, a]'
    """
    if isinstance(value, BaseModel):
        defaults = {name: info.default for name, info in type(value).model_fields.items()}
        fields = {name: item for name, item in vars(value).items() if name == "kind" or item != defaults.get(name)}
        return "{" + ", ".join(f"{name}: {spelled(item)}" for name, item in fields.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(spelled, value))}]"
    return {"None": "null", "True": "true", "False": "false"}.get(str(value), str(value))


_ENTRY = re.compile(r"(\w+(?:, \w+)*) : (.*)")


def _meanings(cls: type[BaseModel]) -> dict[str, str]:
    """What the `Attributes` sections of a class and its bases say of each name; the class's own word counts first."""
    found: dict[str, str] = {}
    for base in cls.__mro__:
        for name, text in _attributes(inspect.cleandoc(vars(base).get("__doc__") or "")):
            found.setdefault(name, text)
    return found


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    _, _, section = docstring.partition("Attributes\n----------\n")
    for entry in re.split(r"\n(?! )", section):
        match = _ENTRY.match(" ".join(entry.split()))
        if match is None:
            return
        for name in match[1].split(", "):
            yield name, match[2]
