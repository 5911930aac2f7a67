"""Rules give the same answers with the loops as without them."""

import pytest
import torch

from fedprop.aggregators import (
    Aggregator,
    Bulyan,
    GeometricMedian,
    Krum,
    Mean,
    MeanAroundMedian,
    Median,
    Phocas,
    TrimmedMean,
)
from fedprop.aggregators.columns import blocks_of, compiled_loops, take
from fedprop.errors import InvalidUpdates
from fedprop.kernels import kernels_used

# Python, where it runs the loops, warns of what is looked for.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered")

ORDERED = (Median(), TrimmedMean(f=2), MeanAroundMedian(f=2), Phocas(f=2), Bulyan(f=2))
MIXED = (Krum(f=2), Krum(f=2, m=5), Mean(), GeometricMedian())
ROWS = torch.randn(11, 23, generator=torch.Generator().manual_seed(0))


def without(rule: Aggregator, rows: torch.Tensor) -> torch.Tensor:
    with kernels_used("never"):
        return rule(rows)


@pytest.mark.parametrize("rule", [*ORDERED, *MIXED], ids=lambda rule: rule.kind)
def test_the_same_to_rounding_and_where_values_are_chosen_to_the_bit(rule: Aggregator, loops_used: None) -> None:
    found, expected = rule.aggregate(ROWS).value, without(rule, ROWS)
    assert torch.allclose(found, expected, rtol=1e-6, atol=1e-9)
    if rule in ORDERED or rule == Krum(f=2):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("rule", [*ORDERED, *MIXED], ids=lambda rule: rule.kind)
@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_rows_with_what_is_not_finite_are_refused(rule: Aggregator, odd: float, loops_used: None) -> None:
    rows = ROWS.clone()
    rows[4, 7] = odd
    for use in (rule, rule.aggregate):
        with pytest.raises(InvalidUpdates, match=r"must be finite for \w+; found NaN or infinity in rows \[4\]"):
            use(rows)


def test_blocks_and_threads_do_not_matter(loops_used: None) -> None:
    before, rows = torch.get_num_threads(), ROWS[:7, :21].contiguous()
    try:
        for rule in (TrimmedMean(f=1), Krum(f=1, m=3), Mean()):
            answers = []
            for threads in (1, 3):
                torch.set_num_threads(threads)
                with blocks_of(2 * 7):
                    answers.append(rule(rows))
            assert torch.equal(*answers)
    finally:
        torch.set_num_threads(before)


def test_some_rows_in_float32_in_one_piece_are_taken_and_nothing_else(loops_used: None) -> None:
    found = compiled_loops("gram", take(ROWS, torch.tensor([3, 1])))
    assert found is not None
    assert found.used.tolist() == [3, 1]
    for other in (ROWS.double(), ROWS.T, ROWS[:, ::2]):
        assert compiled_loops("gram", other) is None
