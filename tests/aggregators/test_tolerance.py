from typing import Any

import pytest

from fedprop.aggregators import (
    RFA,
    Aggregator,
    Bucketing,
    Bulyan,
    CenteredClipping,
    DivideAndConquer,
    FLTrust,
    Krum,
    LossRejection,
    Mean,
    Median,
    NearestNeighbourMixing,
    NormClipping,
    SybilRemoval,
    TrimmedMean,
)
from fedprop.aggregators.tolerance import tolerated


class Own(Aggregator):
    """Claims nothing; may have an f."""

    kind: str = "own"

    def combine(self, cohort: Any, state: Any) -> Any:
        raise NotImplementedError


class OwnWithF(Own):
    f: int = 3


@pytest.mark.parametrize(
    ("rule", "n", "most"),
    [
        (Mean(), 10, 0),
        (Median(), 10, 4),
        (Median(), 1, 0),
        (TrimmedMean(f=3), 10, 3),
        (Krum(f=2), 10, 2),
        (Bulyan(f=1), 10, 1),
        (FLTrust(), 10, None),
        (CenteredClipping(radius=1.0), 10, None),
        (NearestNeighbourMixing(f=3) >> TrimmedMean(f=3), 10, 3),
        (NearestNeighbourMixing(f=3) >> Median(), 10, 3),
        (NearestNeighbourMixing(f=3) >> Krum(f=2), 10, 2),
        (NormClipping(max_norm=1.0) >> Krum(f=2), 10, 2),
        (NormClipping(max_norm=1.0) >> Mean(), 10, None),
        (RFA(), 10, None),
        (Bucketing(s=2) >> RFA(), 10, None),
        (Bucketing(s=2) >> Median(), 10, 2),
        (DivideAndConquer(f=4), 10, 4),
        (LossRejection(f=2), 10, 2),
        (SybilRemoval() >> Median(), 10, None),
        (Own(), 10, None),
        (OwnWithF(), 10, 3),
    ],
    ids=repr,
)
def test_a_rule_tolerates_what_it_says(rule: Aggregator, n: int, most: int | None) -> None:
    assert tolerated(rule, n) == most
