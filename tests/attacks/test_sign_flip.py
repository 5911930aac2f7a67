import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import SignFlip


def test_updates_turn_around(view):
    assert SignFlip().craft(view([[1.0, -2.0], [0.5, 0.0]])).tolist() == [[-1.0, 2.0], [-0.5, 0.0]]


def test_z_scales(view):
    assert SignFlip(z=4.0).craft(view([[1.0, -2.0]])).tolist() == [[-4.0, 8.0]]


def test_of_the_model(view):
    """The model learnt is (2, 1); -4 times that is (-8, -4), an update of (-9, -7)."""
    seen = view([[1.0, -2.0]], origin=[1.0, 3.0])
    assert SignFlip(z=4.0, of="model").craft(seen).tolist() == [[-9.0, -7.0]]


def test_what_would_overflow_is_held_at_the_largest_float(view):
    largest = torch.finfo(torch.float32).max
    assert SignFlip(z=4.0).craft(view([[2e38, -2e38]], dtype=torch.float32)).tolist() == [[-largest, largest]]


@pytest.mark.parametrize("z", [0.0, -4.0, float("inf")])
def test_z_is_positive(z):
    with pytest.raises(ValidationError, match="z"):
        SignFlip(z=z)
