"""Kinds by name: the bridge from `{kind: krum, f: 4}` in a file to `Krum(f=4)` in memory.

A registry holds the built-in classes of one family and whatever other installed packages offer through the entry
point group `fedprop.<family>`. A `kind` that contains a colon names a class by place instead:
`my_rule.py:MyRule` or `package.module:MyRule`. So a class that no registry knows is written down, too.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from fedprop.errors import InvalidConfig
from fedprop.loading import load_file, why
from fedprop.settings import Kind, meant, shown

T = TypeVar("T", bound=Kind)


def load_target(target: str) -> Any:
    """The object that `path/to/file.py:name` or `package.module:name` names.

    Raises
    ------
    InvalidConfig
        If the text has no colon, or the file, module or name does not exist.
    """
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise InvalidConfig(f"a target must read 'file.py:name' or 'module:name'; found {shown(target)}")
    module = load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    try:
        return getattr(module, name)
    except AttributeError:
        raise InvalidConfig(f"{place} has no {shown(name)}{meant(name, vars(module))}") from None


def place_of(cls: type) -> str:
    """How a `kind` names a class that no registry knows: as it was loaded by place, or its module and name."""
    place: str = vars(cls).get(_PLACE, f"{cls.__module__}:{cls.__qualname__}")
    return place


_PLACE = "__fedprop_place__"
"""The attribute of a class that says how it was loaded."""


def _load_module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InvalidConfig(f"module {name!r} cannot be imported: {error}") from None
    except (Exception, SystemExit) as error:
        raise InvalidConfig(f"module {name!r} failed while loading: {why(error)}") from error


def listed(catalogue: ModuleType, base: type[T]) -> tuple[type[T], ...]:
    """The classes of a family among those that a catalogue names, in its order."""
    return tuple(cls for cls in vars(catalogue).values() if isinstance(cls, type) and issubclass(cls, base))


def names_of(catalogue: ModuleType) -> list[str]:
    """What a catalogue names, for the doors that offer it."""
    return [name for name in vars(catalogue) if not name.startswith("_")]


def unknown_kind(found: Any, kinds: Iterable[str]) -> PydanticCustomError:
    """The error for a kind that is none of those."""
    names = list(kinds)
    return PydanticCustomError(
        "kind_unknown",
        "`kind` must be one of {kinds}; found {found}{suggestion}",
        {"kinds": ", ".join(names), "found": shown(found), "suggestion": meant(found, names)},
    )


def several(value: Any) -> Any:
    """What stands in a file for several kinds: a list of them, one alone, or nothing."""
    return value if isinstance(value, list | tuple) else () if value is None else (value,)


def _unnamed(cls: type[BaseModel]) -> list[str]:
    """What a class lacks that does not name its own kind."""
    kind = cls.model_fields.get("kind")
    return ["kind (a name, as in `kind: str = 'mine'`)"] if kind is not None and kind.is_required() else []


@contextmanager
def _noting(refused: dict[str, str], entry: EntryPoint) -> Iterator[None]:
    """Note in a sentence why a package's offer cannot be taken, whatever its code raises."""
    try:
        yield
    except (InvalidConfig, PydanticCustomError) as error:
        refused[entry.name] = str(error)
    except (Exception, SystemExit) as error:
        refused[entry.name] = f"{entry.value}, which {entry.name} is to be, failed while loading: {why(error)}"


def no_facts(kind: Kind) -> Mapping[str, str]:
    """For a family of which its settings tell everything."""
    return {}


class Registry(Generic[T]):
    """All kinds of one family, for example every dataset.

    A registry is also the mark that makes a configuration field parse its kinds: `Annotated[DatasetSpec, DATASETS]`.

    Attributes
    ----------
    family : the name of the family, in the plural.
    base : the class that all of them are derived from.
    facts : what lists tell of one of them beside its settings and its docstring, a few words under each heading.
    """

    def __init__(
        self, family: str, base: type[T], builtin: Iterable[type[T]], facts: Callable[[T], Mapping[str, str]] = no_facts
    ) -> None:
        self.family = family
        self.base = base
        self.facts = facts
        self._builtin = tuple(builtin)

    @property
    def told(self) -> str:
        """What may stand in a field of this family, for a person."""
        return f"one of the {self.family}"

    @property
    def kinds(self) -> Mapping[str, type[T]]:
        """Name to class: the built-in ones first, then those of other packages in name order."""
        return self._found[0]

    @property
    def refused(self) -> Mapping[str, str]:
        """What other packages offer and cannot be taken, by name: a sentence that says why."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[Mapping[str, type[T]], Mapping[str, str]]:
        own = {cls.model_fields["kind"].default: cls for cls in self._builtin}
        kinds, refused = dict(own), dict[str, str]()
        offers = sorted(set(entry_points(group=f"fedprop.{self.family}")), key=lambda e: (e.name, e.value))
        for name, entries in groupby(offers, key=lambda e: e.name):
            first, *others = entries
            if name in own:
                refused[name] = f"{first.value} must have another name than a kind of fedprop's; found {name}"
            elif others:
                several = ", ".join(entry.value for entry in (first, *others))
                refused[name] = f"{name} must be one class, or be named by its place; found {several}"
            else:
                with _noting(refused, first):
                    kinds[name] = self._sound(first.load(), first)
        return kinds, refused

    def _sound(self, cls: Any, entry: EntryPoint) -> type[T]:
        """What another package offers, if it is a class of this family under its own name."""
        self._check(cls, entry.value)
        own = cls.model_fields["kind"].default
        if own != entry.name:
            raise InvalidConfig(f"{entry.value} must be offered under its `kind`, {own}; found {entry.name}")
        found: type[T] = cls
        return found

    def _check(self, cls: Any, target: str) -> None:
        """Refuse what is no class of this family that is whole, with a sentence that begins with `target`."""
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise PydanticCustomError(
                "kind_wrong",
                "{target} must be a subclass of {base}; found {found}",
                {"target": target, "base": self.base.__name__, "found": shown(cls)},
            )
        missing = ", ".join([*sorted(cls.__abstractmethods__), *_unnamed(cls)] if isabstract(cls) else _unnamed(cls))
        if missing:
            raise PydanticCustomError(
                "kind_abstract", "{target} must define {missing}; found nothing", {"target": target, "missing": missing}
            )

    def examples(self) -> tuple[T, ...]:
        """What the kinds offer as worth trying, in their order."""
        return tuple(example for cls in self.kinds.values() for example in cls.examples())

    def parse(self, value: Any) -> T:
        """Turn a mapping with a `kind`, a bare kind, or an instance into an instance.

        Raises
        ------
        pydantic.ValidationError, PydanticCustomError
            With the path inside `value`, the rule and the value found.
        """
        if isinstance(value, self.base):
            return value
        fields = {"kind": value} if isinstance(value, str) else value
        if not isinstance(fields, Mapping) or "kind" not in fields:
            raise PydanticCustomError(
                "kind_missing", "must be a mapping with a `kind`, one of {kinds}", {"kinds": ", ".join(self.kinds)}
            )
        kind = fields["kind"]
        if isinstance(kind, str) and ":" in kind:
            return self._by_place(kind).model_validate({k: v for k, v in fields.items() if k != "kind"})
        if not isinstance(kind, str) or kind not in self.kinds:
            if isinstance(kind, str) and kind in self.refused:
                raise PydanticCustomError("kind_refused", "{why}", {"why": self.refused[kind]})
            raise unknown_kind(kind, self.kinds)
        return self.kinds[kind].model_validate(dict(fields))

    def offers(self, value: Any) -> bool:
        """Whether a value names a class of this family, or is an instance of one."""
        if isinstance(value, self.base):
            return True
        kind = value.get("kind") if isinstance(value, Mapping) else value
        if not isinstance(kind, str) or ":" not in kind:
            return isinstance(kind, str) and (kind in self.kinds or kind in self.refused)
        try:
            cls = load_target(kind)
        except InvalidConfig:
            return False
        return isinstance(cls, type) and issubclass(cls, self.base)

    def _by_place(self, target: str) -> type[T]:
        try:
            cls = load_target(target)
        except InvalidConfig as error:
            raise PydanticCustomError("kind_unloadable", "{why}", {"why": str(error)}) from None
        self._check(cls, target)
        # What was made of it before stays as it is, in however many ways its place is spelled later.
        if cls.__module__.partition(".")[0] != "fedprop" and _PLACE not in vars(cls):
            setattr(cls, _PLACE, target)
        found: type[T] = cls
        return found

    def dump(self, value: T, *, mode: str = "json") -> dict[str, Any]:
        """An instance as a file spells it, the inverse of `parse`; a class that is not listed is named by its place."""
        fields = value.model_dump(mode=mode)
        kind = fields.get("kind")
        listed = isinstance(kind, str) and self.kinds.get(kind) is type(value)
        return fields if listed else {**fields, "kind": place_of(type(value))}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def serialize(value: T, info: SerializationInfo) -> Any:
            return self.dump(value, mode=info.mode)

        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(serialize, info_arg=True)
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return self.json_schema(handler)

    def json_schema(self, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What `parse` takes from a file: a mapping for one of the kinds, a bare kind, or a class named by place."""
        place = {"type": "string", "pattern": ":"}
        by_place = {"type": "object", "properties": {"kind": place}, "required": ["kind"]}
        schemas = [handler.resolve_ref_schema(handler(cls.__pydantic_core_schema__)) for cls in self.kinds.values()]
        mappings = [{**schema, "required": ["kind", *schema.get("required", [])]} for schema in schemas]
        return {"anyOf": [*mappings, by_place, {"enum": list(self.kinds)}, place]}
