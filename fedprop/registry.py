"""Kinds by name: the bridge from `{kind: krum, f: 4}` in a file to `Krum(f=4)` in memory.

A registry holds the built-in classes of one family and whatever other installed packages offer through the entry
point group `fedprop.<family>`. A `kind` that contains a colon names a class by place instead:
`my_rule.py:MyRule` or `package.module:MyRule`.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from fedprop.errors import InvalidConfig
from fedprop.settings import meant, shown

T = TypeVar("T", bound=BaseModel)


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
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    try:
        return getattr(module, name)
    except AttributeError:
        raise InvalidConfig(f"{place} has no {shown(name)}{meant(name, vars(module))}") from None


def _load_file(path: Path) -> Any:
    if not path.is_file():
        raise InvalidConfig(f"there is no file {path}")
    name = f"_fedprop_target_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidConfig(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InvalidConfig(f"{path} failed while loading: {_why(error)}") from error
    return module


def _load_module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InvalidConfig(f"module {name!r} cannot be imported: {error}") from None
    except (Exception, SystemExit) as error:
        raise InvalidConfig(f"module {name!r} failed while loading: {_why(error)}") from error


def _why(error: BaseException) -> str:
    hint = ', which belongs under `if __name__ == "__main__":`' if isinstance(error, SystemExit) else ""
    return f"{type(error).__name__}: {error}{hint}"


def unknown_kind(found: Any, kinds: Iterable[str]) -> PydanticCustomError:
    """The error for a kind that is none of those."""
    names = list(kinds)
    return PydanticCustomError(
        "kind_unknown",
        "`kind` must be one of {kinds}; found {found}{suggestion}",
        {"kinds": ", ".join(names), "found": shown(found), "suggestion": meant(found, names)},
    )


class Registry(Generic[T]):
    """All kinds of one family, for example every dataset.

    A registry is also the mark that makes a configuration field parse its kinds: `Annotated[DatasetSpec, DATASETS]`.
    """

    def __init__(self, family: str, base: type[T], builtin: Iterable[type[T]]) -> None:
        self.family = family
        self.base = base
        self._builtin = tuple(builtin)

    @cached_property
    def kinds(self) -> Mapping[str, type[T]]:
        """Name to class: the built-in ones first, then those of other packages in name order."""
        found = {cls.model_fields["kind"].default: cls for cls in self._builtin}
        for entry in sorted(entry_points(group=f"fedprop.{self.family}"), key=lambda e: e.name):
            found.setdefault(entry.name, entry.load())
        return found

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
            raise unknown_kind(kind, self.kinds)
        return self.kinds[kind].model_validate(dict(fields))

    def _by_place(self, target: str) -> type[T]:
        try:
            cls = load_target(target)
        except InvalidConfig as error:
            raise PydanticCustomError("kind_unloadable", "{why}", {"why": str(error)}) from None
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise PydanticCustomError(
                "kind_wrong",
                "{target} must be a subclass of {base}; found {found}",
                {"target": target, "base": self.base.__name__, "found": shown(cls)},
            )
        return cls

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def serialize(value: BaseModel, info: SerializationInfo) -> Any:
            return value.model_dump(mode=info.mode)

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
