import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from fedprop.aggregators import (
    AGGREGATORS,
    POSTPROCESSORS,
    STAGES,
    Aggregator,
    DefenseField,
    GaussianNoise,
    GeometricMedian,
    Krum,
    Median,
    MovingAverage,
    NearestNeighbourMixing,
    NormClipping,
    TrimmedMean,
    parse_defense,
)

CLIP, NOISE = {"kind": "norm_clipping", "max_norm": 1.0}, {"kind": "gaussian_noise", "std": 0.5}
NOISY = GaussianNoise(std=0.5)
MIXED = NearestNeighbourMixing(f=2) >> TrimmedMean(f=2)


class Config(BaseModel):
    defense: DefenseField


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("median", Median()),
        ({"kind": "krum", "f": 2}, Krum(f=2)),
        (Krum(f=2), Krum(f=2)),
        (MIXED, MIXED),
        (["median"], Median()),
        ([{"kind": "nearest_neighbour_mixing", "f": 2}, {"kind": "trimmed_mean", "f": 2}], MIXED),
        (["median", NOISE], Median() >> NOISY),
        ([CLIP, {"kind": "fedprop.aggregators:Krum", "f": 1}, NOISE], NormClipping(max_norm=1.0) >> Krum(f=1) >> NOISY),
        ((NormClipping(max_norm=1.0), "geometric_median"), NormClipping(max_norm=1.0) >> GeometricMedian()),
    ],
)
def test_every_spelling(value: Any, expected: Aggregator) -> None:
    assert parse_defense(value) == expected
    assert Config(defense=value).defense == expected


@pytest.mark.parametrize(
    ("value", "where", "message"),
    [
        ([], (), r"a defense must be a rule, or a list that holds one; found \[\]"),
        (["median", "median"], (1,), "`kind` must be one of gaussian_noise, .*; found 'median'"),
        (["median", CLIP], (1,), "`kind` must be one of gaussian_noise, .*; found 'norm_clipping'"),
        ([CLIP, NOISE], (1,), "`kind` must be one of afa, .*bulyan, .*; found 'gaussian_noise'"),
        ([NOISE, "median"], (0,), "`kind` must be one of adaptive_clipping, bucketing, .*; found 'gaussian_noise'"),
        ([{"kind": "nearest_neighbour_mixing", "f": -1}, "median"], (0, "f"), "greater than or equal to 0"),
        ({"kind": "krum", "f": 1, "g": 2}, ("g",), "not permitted"),
        (3, (), "must be a mapping with a `kind`"),
    ],
)
def test_mistakes_are_located(value: Any, where: tuple[int | str, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        Config(defense=value)
    assert ("defense", *where) in [error["loc"] for error in caught.value.errors()]


@pytest.mark.parametrize("rule", [Krum(f=2, m=3), MIXED, MIXED >> NOISY >> MovingAverage(alpha=0.5)])
def test_round_trip_through_json(rule: Aggregator) -> None:
    config = Config(defense=rule)
    assert Config.model_validate_json(config.model_dump_json()) == config
    assert Config.model_validate(config.model_dump()) == config


def test_schema_lists_rules_and_chains() -> None:
    schema = json.dumps(Config.model_json_schema())
    for kind in (*AGGREGATORS.kinds, *STAGES.kinds, *POSTPROCESSORS.kinds):
        assert f'"{kind}"' in schema
    assert '"type": "array"' in schema
