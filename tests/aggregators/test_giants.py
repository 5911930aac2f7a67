"""Rows whose squares float64 cannot hold: a few giants lose, and rows that are all of one size keep their answers."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fedprop.aggregators import (
    AGGREGATORS,
    POSTPROCESSORS,
    STAGES,
    Aggregator,
    CenteredClipping,
    Cohort,
    FLTrust,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NearestNeighbourMixing,
    NormClipping,
    Reference,
    SafetensorsRows,
    Zeno,
    self_contained,
)
from fedprop.aggregators.contract import Region
from fedprop.aggregators.tolerance import tolerated
from fedprop.properties.definition import oracle_for

MIX = NearestNeighbourMixing(f=2)
RULES = [
    *map(self_contained, AGGREGATORS.examples()),
    *(self_contained(stage >> Median()) for stage in STAGES.examples()),
    *(self_contained(Median() >> after) for after in POSTPROCESSORS.examples()),
    Krum(f=2, m=9),
    CenteredClipping(radius=3.0),
    NormClipping(max_norm=3.0) >> Mean(),
    MIX >> Krum(f=2),
    MIX >> GeometricMedian(),
    NormClipping(max_norm=3.0) >> MIX >> CenteredClipping(radius=3.0, iterations=2),
]
SCALING = [rule for rule in RULES if rule.contract().scaling]
LARGEST = torch.finfo(torch.float64).max
GIANTS = {
    "one": [LARGEST],
    "two alike": [LARGEST, LARGEST],
    "two against each other": [LARGEST, -LARGEST],
    "of two sizes": [LARGEST, -1e200],
    "whose squares add up beyond": [1.2e154, 1.2e154],
}
ROWS = 1 + torch.randn(11, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def with_giants(sizes: list[float]) -> torch.Tensor:
    rows = ROWS.clone()
    for place, size in enumerate(sizes, start=3):
        rows[place] = torch.tensor([1.0, -1.0, 0.5, 1.0], dtype=torch.float64) * size
    return rows


FAR = ((1e60, 1e60), (1e60, -1e60), (1e60, -1e30))
"""Rows merely far away: alike, against each other, and of two sizes."""


def stands(rule: Aggregator, giants: int) -> bool:
    """Whether a rule is to stand so many giants: it claims to, or claims nothing at all and stands rows merely far."""
    claimed = tolerated(rule, len(ROWS))
    if claimed is not None or rule.contract().lies_in is not Region.ANYWHERE:
        return giants <= (claimed or 0)
    return all(float(rule(with_giants(list(far[:giants]))).abs().max()) < 1e9 for far in FAR)


def averages(rule: Aggregator) -> bool:
    """Whether rows far away, in one bucket, cancel if they are of one size, and only then."""
    return not torch.allclose(*(rule(with_giants(list(far))) for far in FAR[1:]))


STEADFAST = {giants: [rule for rule in RULES if stands(rule, giants)] for giants in (1, 2)}
"""Rules by the number of giants that they stand."""
for giants, rules in STEADFAST.items():
    rules.append(self_contained(Zeno(b=giants)))  # which can claim nothing that holds whatever the server's examples


def standing(sizes: list[float]) -> list[Aggregator]:
    """The rules that are to stand giants of these sizes."""
    return [rule for rule in STEADFAST[len(sizes)] if min(sizes) > 0 or not averages(rule)]


def test_most_rules_stand_giants() -> None:
    assert len(standing(GIANTS["of two sizes"])) > len(RULES) / 3


@pytest.mark.parametrize("sizes", GIANTS.values(), ids=GIANTS)
def test_giants_gain_no_more_than_rows_merely_far_away(sizes: list[float]) -> None:
    rows, far = with_giants(sizes), with_giants([1e60 * (size / abs(size)) for size in sizes])
    carried = []
    for rule in standing(sizes):
        found, expected = rule.aggregate(rows), rule.aggregate(far)
        close = torch.allclose(found.value, expected.value, rtol=1e-9, atol=0)
        if not (close and torch.isfinite(found.weights).all() and torch.equal(rule(rows), found.value)):
            carried.append((rule, found.value, expected.value))
    assert carried == []


@pytest.mark.parametrize("sizes", GIANTS.values(), ids=GIANTS)
def test_the_definition_says_so_too(sizes: list[float]) -> None:
    rows, unlike = with_giants(sizes), []
    for rule in standing(sizes):
        oracle = oracle_for(rule)
        assert oracle is not None
        if not torch.allclose(rule(rows), torch.tensor(oracle(rows.tolist()), dtype=torch.float64), rtol=1e-6):
            unlike.append((rule, rule(rows)))
    assert unlike == []


@pytest.mark.parametrize("power", [-1060, -600, 600, 1000])
def test_rows_of_any_size_are_answered_in_their_size(power: int) -> None:
    rows, unlike = (64 * ROWS).round(), []
    sized = rows * 2.0 ** (power // 2) * 2.0 ** (power - power // 2)
    for rule in SCALING:
        found = rule(sized) * 2.0 ** -(power // 2) * 2.0 ** -(power - power // 2)
        if not torch.allclose(found, rule(rows), rtol=1e-9 if power > -1000 else 1e-3):
            unlike.append((rule, found))
    assert unlike == []


def test_a_radius_may_be_of_any_size_too() -> None:
    rows = with_giants([1e200])
    for iterations in (1, 2):
        found = CenteredClipping(radius=2.0**540, iterations=iterations)(rows) * 2.0**-540
        assert torch.allclose(found, CenteredClipping(radius=1.0, iterations=iterations)(rows * 2.0**-540))
        tiny = CenteredClipping(radius=1e-200, iterations=iterations)(ROWS) * 1e200
        units = torch.nn.functional.normalize(ROWS, dim=1).mean(dim=0)
        assert torch.allclose(tiny, iterations * units)


def test_the_way_from_the_last_aggregate_is_cut_too() -> None:
    centre = torch.full((4,), 5.0, dtype=torch.float64)
    rule = CenteredClipping(radius=3.0, iterations=2)
    found, expected = (rule.aggregate(with_giants([size]), centre) for size in (LARGEST, 1e60))
    assert torch.allclose(found.value, expected.value, rtol=1e-12)
    assert torch.equal(found.state, found.value)


def test_rows_are_clipped_to_the_norm_and_not_to_zero() -> None:
    rows = torch.tensor([[LARGEST, -LARGEST], [1e-200, 0.0], [0.0, 0.0]], dtype=torch.float64)
    assert torch.allclose(NormClipping(max_norm=2.0)(rows)[0], torch.tensor([2.0, -2.0]).double() / 2**0.5)
    assert torch.equal(NormClipping(max_norm=2.0)(rows)[1:], rows[1:])
    assert NormClipping(max_norm=1e-210)(rows)[1].tolist() == pytest.approx([1e-210, 0.0], rel=1e-12, abs=0)


def test_short_rows_are_trusted_by_their_direction() -> None:
    rows = torch.tensor([[1e-200, 0.0], [0.0, LARGEST], [-1.0, -1.0]], dtype=torch.float64)
    answer = FLTrust().aggregate(Cohort(rows, server=Reference(torch.tensor([3.0, 3.0], dtype=torch.float64))))
    assert answer.weights.tolist() == [0.5, 0.5, 0.0]
    assert answer.value.tolist() == pytest.approx([3 / 2**0.5] * 2)


@pytest.mark.parametrize("n", [11, 17, 20])
def test_equal_rows_at_the_end_of_the_range_stay_finite(n: int) -> None:
    wrong = []
    for rule in RULES:
        answer = rule(torch.full((n, 2), LARGEST, dtype=torch.float64))
        kept = torch.allclose(answer, torch.full_like(answer, LARGEST), rtol=1e-6)
        if not (torch.isfinite(answer).all() and (kept or not rule.contract().idempotent)):
            wrong.append((rule, answer))
    assert wrong == []


def test_giants_on_disk_lose_too(tmp_path: Path) -> None:
    rows = with_giants([LARGEST, -1e200])
    save_file({"rows": rows}, tmp_path / "rows.safetensors")
    stored = SafetensorsRows([tmp_path / "rows.safetensors"], name="rows")
    for rule in (Krum(f=2), GeometricMedian(), CenteredClipping(radius=3.0)):
        assert torch.allclose(rule(stored), rule(rows))
