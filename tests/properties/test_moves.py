"""Every seed gives a transformation of its kind, a small one a plain one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.properties import moves

SEEDS = st.integers(0, 40)


@given(st.integers(1, 6), SEEDS)
def test_an_order_names_every_row_once(n, seed):
    assert sorted(moves.order(n, seed).tolist()) == list(range(n))


@given(st.integers(1, 4), SEEDS)
def test_a_rotation_is_orthogonal(d, seed):
    rotation = moves.rotation(d, seed)
    assert torch.allclose(rotation @ rotation.T, torch.eye(d, dtype=torch.float64), atol=1e-14)


@given(st.integers(1, 4), SEEDS)
def test_shifts_are_whole_and_factors_are_powers_of_two(d, seed):
    assert (moves.shift(d, seed) % 1 == 0).all()
    factor = moves.factor(seed)
    assert factor > 0
    assert factor == 2.0 ** torch.tensor(factor, dtype=torch.float64).log2().round().item()


@given(st.integers(1, 9), SEEDS)
def test_counts_are_positive_and_differ_somewhere(n, seed):
    counts = moves.counts(n, seed)
    assert len(counts) == n
    assert all(1 <= count <= 4 for count in counts)


@pytest.mark.parametrize(
    ("found", "plain"),
    [
        (moves.order(3, 0).tolist(), [2, 1, 0]),
        (moves.shift(2, 0).tolist(), [1.0, 1.0]),
        (moves.factor(0), 2.0),
        (moves.rotation(2, 0).tolist(), [[0.0, -1.0], [1.0, 0.0]]),
        (moves.counts(4, 0), (1, 2, 3, 1)),
    ],
)
def test_the_smallest_seed_is_plain(found, plain):
    assert found == plain
