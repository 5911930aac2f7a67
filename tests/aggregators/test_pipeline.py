from typing import Any

import pytest
import torch

from fedprop.aggregators import (
    POSTPROCESSORS,
    STAGES,
    Aggregation,
    Aggregator,
    Bucketing,
    Chain,
    Cohort,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NearestNeighbourMixing,
    NormClipping,
    Pipeline,
    Stage,
    Staged,
    TrimmedMean,
    WorkerMomentum,
)
from fedprop.aggregators.columns import TakenRows
from fedprop.errors import InvalidUpdates, TooFewUpdates

CLIP, MIX, RULE = NormClipping(max_norm=2.0), NearestNeighbourMixing(f=1), TrimmedMean(f=1)


def random_rows() -> torch.Tensor:
    return torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_composition_is_associative_and_flat() -> None:
    expected = Pipeline(stages=(CLIP, MIX), rule=RULE)
    assert (CLIP >> MIX) >> RULE == CLIP >> (MIX >> RULE) == expected
    assert CLIP >> MIX >> CLIP == CLIP >> (MIX >> CLIP) == Chain(stages=(CLIP, MIX, CLIP))


def test_stages_run_from_left_to_right() -> None:
    rows = random_rows()
    assert torch.equal((CLIP >> MIX >> RULE)(rows), RULE(MIX(CLIP(rows))))
    assert torch.equal((CLIP >> MIX)(rows), MIX(CLIP(rows)))


def test_weights_refer_to_the_rows_as_sent() -> None:
    rows = random_rows()
    out = (CLIP >> MIX >> Krum(f=1, m=2)).aggregate(rows)
    assert torch.allclose(out.weights @ rows, out.value)


def test_senders_reach_the_rule() -> None:
    cohort = Cohort(torch.tensor([[0.0], [1.0]]), examples=(1, 3))
    assert float((CLIP >> Mean(weighting="examples")).aggregate(cohort).value) == 0.75


def test_every_part_is_checked() -> None:
    rule = MIX >> Krum(f=2)
    assert (rule.min_rows, rule.requirement(), (CLIP >> MIX).min_rows) == (7, "n >= 2f + 3", 3)
    with pytest.raises(TooFewUpdates, match=r"n >= 2f \+ 3 for Krum; found n=5, f=2"):
        rule(torch.zeros(5, 1))
    with pytest.raises(TooFewUpdates, match="for NearestNeighbourMixing; found n=2, f=1"):
        (CLIP >> MIX)(torch.zeros(2, 1))
    with pytest.raises(InvalidUpdates, match="finite"):
        rule(torch.full((7, 1), torch.nan))


def test_state_is_that_of_the_parts() -> None:
    assert (CLIP >> RULE).init() is None
    assert (CLIP >> RULE).aggregate(random_rows()).state is None
    assert (CLIP >> RULE).aggregate(random_rows(), (None, "kept", None)).state == (None, "kept", None)


class First(Aggregator):
    """A rule that knows of tensors only."""

    kind: str = "first"

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        weights = torch.eye(len(cohort.updates), dtype=cohort.updates.dtype)[0]
        return Aggregation(cohort.updates[0].clone(), weights, state)


def test_a_rule_that_does_not_read_columns_is_handed_a_tensor() -> None:
    rows = random_rows()
    assert torch.equal((CLIP >> MIX >> First())(rows), MIX(CLIP(rows))[0])
    assert torch.equal((CLIP >> First()).aggregate(rows).value, CLIP(rows)[0])


class Halved(Stage):
    """A stage that knows of tensors only."""

    kind: str = "halved"

    def apply(self, cohort: Cohort, state: Any) -> Staged:
        rows = cohort.updates
        return Staged(cohort.with_updates(rows / 2), torch.eye(len(rows), dtype=torch.float64) / 2)


@pytest.mark.parametrize("before", [CLIP, MIX, Bucketing(s=2), WorkerMomentum()], ids=lambda stage: stage.kind)
def test_a_stage_that_does_not_read_columns_is_handed_a_tensor(before: Stage) -> None:
    def cohort() -> Cohort:
        return Cohort(random_rows(), generator=torch.Generator().manual_seed(0))

    expected = (before >> Median()).aggregate(cohort()).value / 2
    assert torch.allclose((before >> Halved() >> Median()).aggregate(cohort()).value, expected)
    rows = random_rows()
    assert Halved()(TakenRows(rows, torch.arange(len(rows)))).equal(rows / 2)


def test_every_registered_stage_reads_columns() -> None:
    assert all(cls.reads_columns for cls in STAGES.kinds.values())
    assert all(cls.reads_columns for cls in POSTPROCESSORS.kinds.values())


@pytest.mark.parametrize("rule", [Mean(), RULE, Krum(f=1), GeometricMedian()], ids=lambda rule: rule.kind)
def test_rows_mixed_block_by_block_have_the_answer_of_rows_mixed_at_once(rule: Aggregator) -> None:
    rows = random_rows()
    for stage in (MIX, CLIP, CLIP >> MIX, MIX >> MIX):
        assert torch.allclose((stage >> rule)(rows), rule(stage(rows)), atol=1e-9)


def test_integer_mixtures_keep_their_ties() -> None:
    """Three mixtures are the mean of rows 0, 0 and 3, and two that of 3, 3 and 0: the first of the three is taken."""
    rows = torch.tensor([[0.0], [0.0], [0.0], [3.0], [3.0], [3.0], [9.0]])
    mixing = NearestNeighbourMixing(f=3).apply(Cohort(rows), None).mixing
    assert torch.equal(mixing[0], mixing[1])
    assert (NearestNeighbourMixing(f=3) >> Krum(f=2)).aggregate(rows).weights.tolist() == mixing[0].float().tolist()
