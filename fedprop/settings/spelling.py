"""A configuration field with a spelling of its own."""

from collections.abc import Callable
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema


class Spelling:
    """The mark, in `Annotated[...]`, of a field that takes what one function reads and writes what another answers.

    The functions come later, by `bind`, where what they read is not known yet as the field is declared: a rule that
    holds a rule is itself among those that it may hold.

    Attributes
    ----------
    told : what may stand in the field, for a person.
    """

    def __init__(self, told: str) -> None:
        self.told = told

    def bind(
        self,
        parse: Callable[[Any], Any],
        dump: Callable[[Any], Any],
        schema: Callable[[GetJsonSchemaHandler], JsonSchemaValue],
    ) -> "Spelling":
        """Itself, from now on with what reads a value, what writes it, and the JSON schema of what is written."""
        self._parse, self._dump, self._schema = parse, dump, schema
        return self

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read, serialization=core_schema.plain_serializer_function_ser_schema(self._write)
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return self._schema(handler)

    def _read(self, value: Any) -> Any:
        return self._parse(value)

    def _write(self, value: Any) -> Any:
        return self._dump(value)
