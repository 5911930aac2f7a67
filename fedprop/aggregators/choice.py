"""Rules, stages and postprocessors by name: how a configuration spells a defense."""

from typing import Annotated, Any, TypeAlias

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema

from fedprop.aggregators import catalogue
from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.facts import of_postprocessor, of_rule, of_stage
from fedprop.aggregators.pipeline import Pipeline
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.aggregators.rule_field import RULE, TOLD
from fedprop.aggregators.stage import Stage
from fedprop.registry import Registry, listed
from fedprop.settings.spelling import Spelling

AGGREGATORS: Registry[Aggregator] = Registry("aggregators", Aggregator, listed(catalogue, Aggregator), of_rule)
"""Every rule by its `kind`."""

STAGES: Registry[Stage] = Registry("stages", Stage, listed(catalogue, Stage), of_stage)
"""Every stage by its `kind`."""

POSTPROCESSORS: Registry[Postprocessor] = Registry(
    "postprocessors", Postprocessor, listed(catalogue, Postprocessor), of_postprocessor
)
"""Every postprocessor by its `kind`."""


def parse_defense(value: Any) -> Aggregator:
    """A rule from an instance, a kind, a mapping with a `kind`, or a list: stages, a rule, postprocessors.

    Raises
    ------
    pydantic.ValidationError
        With the path inside `value`, the rule and the value found.

    >>> parse_defense([{"kind": "nearest_neighbour_mixing", "f": 2}, {"kind": "trimmed_mean", "f": 2}]).kind
    'pipeline'
    >>> parse_defense([{"kind": "norm_clipping", "max_norm": 3}, "mean", {"kind": "gaussian_noise", "std": 0.1}]).asks
    frozenset({'generator'})
    """
    return _ADAPTER.validate_python(value)


def _parse(value: Any) -> Aggregator:
    return _parse_chain(value) if isinstance(value, (list, tuple)) else AGGREGATORS.parse(value)


def _parse_chain(parts: list[Any] | tuple[Any, ...]) -> Aggregator:
    if not parts:
        raise PydanticCustomError("defense_empty", "a defense must be a rule, or a list that holds one; found []")
    # What stands before the rule is to be a stage, and what stands after it a postprocessor; without a rule, the last
    # part is told that it should be one.
    place = next((place for place, part in enumerate(parts) if AGGREGATORS.offers(part)), len(parts) - 1)
    validators = [STAGES.parse] * place + [AGGREGATORS.parse] + [POSTPROCESSORS.parse] * (len(parts) - place - 1)
    schema = core_schema.tuple_schema([core_schema.no_info_plain_validator_function(parse) for parse in validators])
    found = SchemaValidator(schema).validate_python(tuple(parts))
    return found[0] if len(found) == 1 else Pipeline(stages=found[:place], rule=found[place], after=found[place + 1 :])


def defense_schema(handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """The JSON schema of what `parse_defense` takes from a file."""
    rule, *others = (registry.json_schema(handler) for registry in (AGGREGATORS, STAGES, POSTPROCESSORS))
    chain = {"type": "array", "items": {"anyOf": [*others, rule]}, "minItems": 1}
    told = "a rule, or a list with stages before one and postprocessors after it"
    return {"anyOf": [rule, chain], "description": told}


def dump_defense(value: Aggregator) -> Any:
    """A rule as a file spells it, the inverse of `parse_defense`."""
    if isinstance(value, Pipeline):
        after = map(POSTPROCESSORS.dump, value.after)
        return [*map(STAGES.dump, value.stages), AGGREGATORS.dump(value.rule), *after]
    return AGGREGATORS.dump(value)


RULE.bind(_parse, dump_defense, lambda handler: {"type": ["string", "object", "array"], "description": TOLD})

DefenseField: TypeAlias = Annotated[Aggregator, Spelling(TOLD).bind(_parse, dump_defense, defense_schema)]
"""The annotation for a configuration field that holds a defense, in any form `parse_defense` takes."""

_ADAPTER: TypeAdapter[Aggregator] = TypeAdapter(DefenseField)
