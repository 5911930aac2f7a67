import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import Aggregation, Cohort
from fedprop.privacy import CentralPrivacy

rows_of = st.integers(1, 5).flatmap(
    lambda d: st.lists(st.lists(st.floats(-10, 10), min_size=d, max_size=d), min_size=1, max_size=6)
)


def average(rows: list[list[float]], wanted: int, clip: float = 1.0, sigma: float = 2.0) -> Aggregation:
    rule = CentralPrivacy(clip_norm=clip, noise_multiplier=sigma).chain(wanted)
    draw = torch.Generator().manual_seed(3)
    return rule.aggregate(Cohort(torch.tensor(rows, dtype=torch.float64), generator=draw))


def definition(rows: list[list[float]], wanted: int, clip: float, sigma: float) -> list[float]:
    """Loops over rows and coordinates; the noise is the generator's."""
    noise = torch.randn(len(rows[0]), generator=torch.Generator().manual_seed(3)).tolist()
    total = [0.0] * len(noise)
    for row in rows:
        shrink = max(1.0, math.hypot(*row) / clip)
        total = [t + v / shrink for t, v in zip(total, row, strict=True)]
    return [(t + sigma * clip * z) / wanted for t, z in zip(total, noise, strict=True)]


@given(rows_of, st.integers(1, 8), st.floats(0.1, 20.0), st.floats(0.1, 5.0))
def test_the_mean_is_that_of_the_definition(rows, wanted, clip, sigma):
    found = average(rows, wanted, clip, sigma).value.tolist()
    assert found == pytest.approx(definition(rows, wanted, clip, sigma), rel=1e-9, abs=1e-9)


@given(rows_of, st.floats(0.1, 20.0))
def test_one_client_moves_the_sum_by_at_most_the_clipping_norm(rows, clip):
    """With the same noise, all rows against all but the last."""
    whole, rest = (average(part, 4, clip).value for part in (rows, [*rows[:-1], [0.0] * len(rows[0])]))
    assert float((whole - rest).norm()) <= clip / 4 * (1 + 1e-9)


def test_the_weights_say_how_much_of_each_row_was_taken():
    answer = average([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], wanted=5)
    assert answer.weights.tolist() == pytest.approx([0.04, 0.2, 0.2])


def test_single_precision_stays_single():
    rows = torch.ones(2, 3)
    rule = CentralPrivacy(clip_norm=1.0, noise_multiplier=1.0).chain(2)
    answer = rule.aggregate(Cohort(rows, generator=torch.Generator()))
    assert answer.value.dtype == answer.weights.dtype == torch.float32
    assert torch.equal(rows, torch.ones(2, 3))


def test_the_noise_is_what_it_was_before_there_were_chains():
    """clamp(C / ||x||) / wanted @ rows + sigma C / wanted * randn, in single precision."""
    draw = torch.Generator().manual_seed(3)
    rows = torch.randn(4, 40, generator=torch.Generator().manual_seed(0))
    weights = (2.0 / rows.norm(dim=1)).clamp(max=1.0) / 5
    expected = weights @ rows + 1.5 * 2.0 / 5 * torch.randn(40, generator=draw)
    rule = CentralPrivacy(clip_norm=2.0, noise_multiplier=1.5).chain(5)
    found = rule.aggregate(Cohort(rows, generator=torch.Generator().manual_seed(3)))
    assert torch.allclose(found.value, expected, atol=1e-6)
    assert torch.allclose(found.weights, weights)
