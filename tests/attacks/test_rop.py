"""The push by hand: the model moved by (3, 4), so u = (0.6, 0.8) if the reference is that change."""

from dataclasses import replace

import pytest
import torch

from fedprop.attacks import ROP


@pytest.fixture
def seen(view):
    before = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
    return replace(view([[9.0, 9.0]], [[1.0, 0.0], [3.0, 0.0]], origin=[3.0, 4.0]), past=before)


def test_at_a_right_angle_to_the_last_change(seen):
    """(1, 1) - 1.4 (0.6, 0.8) = (0.16, -0.12), at length 1 (0.8, -0.6)."""
    [sent] = ROP(lambda_=1.0, pi=1.0, z=10.0).craft(seen).tolist()
    assert sent == pytest.approx([3 + 8, 4 - 6])


def test_turned_back_and_half_relocated(seen):
    """At 180 degrees the push is -u; half way from (2, 0) to (3, 4) is (2.5, 2)."""
    [sent] = ROP(lambda_=1.0, pi=0.5, theta=180.0, z=5.0).craft(seen).tolist()
    assert sent == pytest.approx([2.5 - 3, 2 - 4])


def test_at_first_there_is_no_change(view):
    """Then u is the direction of the mean, (1, 0)."""
    [sent] = ROP(pi=0.5, z=3.0).craft(view([[9.0, 9.0]], [[1.0, 0.0], [3.0, 0.0]])).tolist()
    assert sent == pytest.approx([1.0, 3.0])
