import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.privacy import CentralPrivacy

rows_of = st.integers(1, 5).flatmap(
    lambda d: st.lists(st.lists(st.floats(-10, 10), min_size=d, max_size=d), min_size=1, max_size=6)
)


def noise_of(d):
    return torch.randn(d, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def average(rows, wanted, **settings):
    privacy = CentralPrivacy(**{"clip_norm": 1.0, "noise_multiplier": 2.0, **settings})
    return privacy.average(torch.tensor(rows, dtype=torch.float64), wanted, torch.Generator().manual_seed(3))


def definition(rows, wanted, clip, sigma):
    """Loops over rows and coordinates; the noise is the generator's."""
    d = len(rows[0])
    total = [0.0] * d
    for row in rows:
        shrink = max(1.0, math.hypot(*row) / clip)
        total = [t + v / shrink for t, v in zip(total, row, strict=True)]
    return [(t + sigma * clip * z) / wanted for t, z in zip(total, noise_of(d).tolist(), strict=True)]


@given(rows_of, st.integers(1, 8), st.floats(0.1, 20.0), st.floats(0.1, 5.0))
def test_the_mean_is_that_of_the_definition(rows, wanted, clip, sigma):
    answer = average(rows, wanted, clip_norm=clip, noise_multiplier=sigma)
    assert answer.value.tolist() == pytest.approx(definition(rows, wanted, clip, sigma), rel=1e-9, abs=1e-9)


@given(rows_of, st.floats(0.1, 20.0))
def test_one_client_moves_the_sum_by_at_most_the_clipping_norm(rows, clip):
    """With the same noise, all rows against all but the last."""
    whole, rest = (average(part, 4, clip_norm=clip).value for part in (rows, [*rows[:-1], [0.0] * len(rows[0])]))
    assert float((whole - rest).norm()) <= clip / 4 * (1 + 1e-9)


def test_the_weights_say_how_much_of_each_row_was_taken():
    answer = average([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], wanted=5)
    assert answer.weights.tolist() == pytest.approx([0.04, 0.2, 0.2])


def test_single_precision_stays_single():
    rows = torch.ones(2, 3)
    answer = CentralPrivacy(clip_norm=1.0, noise_multiplier=1.0).average(rows, 2, torch.Generator())
    assert answer.value.dtype == answer.weights.dtype == torch.float32
    assert torch.equal(rows, torch.ones(2, 3))


def test_what_is_not_trained_counts_for_no_norm_and_gets_no_noise():
    trainable = torch.tensor([True, False, True])
    rows = torch.tensor([[3.0, 100.0, 4.0], [0.3, -100.0, 0.4]], dtype=torch.float64)
    privacy = CentralPrivacy(clip_norm=1.0, noise_multiplier=2.0)
    found = privacy.average(rows, 2, torch.Generator().manual_seed(3), trainable=trainable)
    alone = privacy.average(rows[:, trainable], 2, torch.Generator().manual_seed(3))
    assert found.value.tolist() == [alone.value[0].item(), 0.0, alone.value[1].item()]
    assert torch.equal(found.weights, alone.weights)
