"""Rules and stages by name: how a configuration spells a defense."""

from typing import Annotated, Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.bucketing import Bucketing
from fedprop.aggregators.bulyan import Bulyan
from fedprop.aggregators.centered_clipping import CenteredClipping
from fedprop.aggregators.fl_trust import FLTrust
from fedprop.aggregators.fools_gold import FoolsGold
from fedprop.aggregators.geometric_median import GeometricMedian
from fedprop.aggregators.krum import Krum
from fedprop.aggregators.mean import Mean
from fedprop.aggregators.mean_around_median import MeanAroundMedian
from fedprop.aggregators.median import Median
from fedprop.aggregators.nearest_neighbour_mixing import NearestNeighbourMixing
from fedprop.aggregators.norm_clipping import NormClipping
from fedprop.aggregators.norm_filter import NormFilter
from fedprop.aggregators.pipeline import Pipeline
from fedprop.aggregators.stage import Stage
from fedprop.aggregators.trimmed_mean import TrimmedMean
from fedprop.aggregators.worker_momentum import WorkerMomentum
from fedprop.registry import Registry

AGGREGATORS: Registry[Aggregator] = Registry(
    "aggregators",
    Aggregator,
    (Mean, Median, TrimmedMean, MeanAroundMedian, Krum, Bulyan, GeometricMedian, CenteredClipping, FLTrust, FoolsGold),
)
"""Every rule by its `kind`."""

STAGES: Registry[Stage] = Registry(
    "stages", Stage, (NearestNeighbourMixing, NormClipping, Bucketing, NormFilter, WorkerMomentum)
)
"""Every stage by its `kind`."""


class _Defense:
    """Pydantic's view of a defense: a rule, or a list of stages that ends in a rule."""

    told = "one of the aggregators, or a list of stages that ends in one"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _parse, serialization=core_schema.plain_serializer_function_ser_schema(dump_defense)
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return defense_schema(handler)


DefenseField: TypeAlias = Annotated[Aggregator, _Defense()]
"""The annotation for a configuration field that holds a defense, in any form `parse_defense` takes."""


def parse_defense(value: Any) -> Aggregator:
    """A rule from an instance, a kind, a mapping with a `kind`, or a list of stages that ends in a rule.

    Raises
    ------
    pydantic.ValidationError
        With the path inside `value`, the rule and the value found.

    >>> parse_defense([{"kind": "nearest_neighbour_mixing", "f": 2}, {"kind": "trimmed_mean", "f": 2}]).kind
    'pipeline'
    """
    return _ADAPTER.validate_python(value)


def _parse(value: Any) -> Aggregator:
    return _parse_chain(value) if isinstance(value, (list, tuple)) else AGGREGATORS.parse(value)


def _parse_chain(parts: list[Any] | tuple[Any, ...]) -> Aggregator:
    if not parts:
        raise PydanticCustomError("defense_empty", "a defense must be a rule, or stages that end in a rule; found []")
    validators = [STAGES.parse] * (len(parts) - 1) + [AGGREGATORS.parse]
    schema = core_schema.tuple_schema([core_schema.no_info_plain_validator_function(parse) for parse in validators])
    *stages, rule = SchemaValidator(schema).validate_python(tuple(parts))
    return Pipeline(stages=tuple(stages), rule=rule) if stages else rule


def defense_schema(handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """The JSON schema of what `parse_defense` takes from a file."""
    rule, stage = AGGREGATORS.json_schema(handler), STAGES.json_schema(handler)
    chain = {"type": "array", "items": {"anyOf": [stage, rule]}, "minItems": 1}
    return {"anyOf": [rule, chain], "description": "a rule, or a list of stages that ends in a rule"}


def dump_defense(value: Aggregator) -> Any:
    """A rule as a file spells it, the inverse of `parse_defense`."""
    if isinstance(value, Pipeline):
        return [*map(STAGES.dump, value.stages), AGGREGATORS.dump(value.rule)]
    return AGGREGATORS.dump(value)


_ADAPTER: TypeAdapter[Aggregator] = TypeAdapter(DefenseField)
