"""Defenses by name: how a configuration spells a rule, a chain of stages, or a protocol."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.choice import AGGREGATORS, defense_schema, dump_defense, parse_defense
from fedprop.defenses import catalogue
from fedprop.defenses.facts import of_protocol
from fedprop.defenses.protocol import RoundProtocol
from fedprop.registry import Registry, listed, unknown_kind
from fedprop.settings.spelling import Spelling

PROTOCOLS: Registry[RoundProtocol] = Registry("protocols", RoundProtocol, listed(catalogue, RoundProtocol), of_protocol)
"""Every protocol by its `kind`."""


def _parse(value: Any) -> Aggregator | RoundProtocol:
    kind = value.get("kind") if isinstance(value, Mapping) else value
    if PROTOCOLS.offers(value):
        return PROTOCOLS.parse(value)
    if isinstance(kind, str) and ":" not in kind and not AGGREGATORS.offers(kind):
        raise unknown_kind(kind, [*AGGREGATORS.kinds, *PROTOCOLS.kinds])
    return parse_defense(value)


def _dump(value: Aggregator | RoundProtocol) -> Any:
    return PROTOCOLS.dump(value) if isinstance(value, RoundProtocol) else dump_defense(value)


def _schema(handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    return {"anyOf": [*defense_schema(handler)["anyOf"], PROTOCOLS.json_schema(handler)]}


_TOLD = "one of the aggregators or protocols, or a list with stages before an aggregator and postprocessors after it"

DefenseChoice: TypeAlias = Annotated[Aggregator | RoundProtocol, Spelling(_TOLD).bind(_parse, _dump, _schema)]
"""The annotation for a configuration field that holds whatever can defend a server."""
