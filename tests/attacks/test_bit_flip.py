"""Flipped bits by hand: a float32 is (1 + fraction) 2^(exponent - 127), and 22nd from below is the quarter."""

import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import BitFlip

LARGEST = torch.finfo(torch.float32).max


def test_exponent_sign_and_a_quarter_of_the_fraction(view):
    """1 has exponent 0111 1111, which becomes 1011 1111 = 191; 3 = 1.5 * 2 has 1000 0000, which becomes 64."""
    seen = view([[1.0, 3.0, 1.25, 0.0, -0.0]])
    assert BitFlip().craft(seen).tolist() == [
        [-1.25 * 2.0**64, -1.75 * 2.0**-63, -(2.0**64), -1.25 * 2.0**65, 1.25 * 2.0**65]
    ]


def test_only_the_first_coordinates_are_hit(view):
    assert BitFlip(coordinates=1).craft(view([[1.25, 5.0]])).tolist() == [[-(2.0**64), 5.0]]


def test_what_becomes_infinite_or_no_number_is_the_largest_with_its_sign(view):
    """Exponent 0011 1111, that is 63, becomes 255: not a number, or infinite with the quarter alone in the fraction."""
    seen = view([[2.0**-64, -(2.0**-64), 1.25 * 2.0**-64]], dtype=torch.float32)
    assert BitFlip().craft(seen).tolist() == [[-LARGEST, LARGEST, -LARGEST]]


def test_twice_flipped_is_as_before(view):
    first = BitFlip().craft(view([[1.0, -3.0, 0.1]], dtype=torch.float32))
    assert (
        BitFlip().craft(view(first.tolist(), dtype=torch.float32)).tolist() == view([[1, -3, 0.1]]).own.float().tolist()
    )


def test_by_sign_all_send_the_first_ones(view):
    assert BitFlip(flips="sign").craft(view([[1.0, -2.0], [5.0, 5.0]])).tolist() == [[-1.0, 2.0]] * 2


def test_coordinates_have_no_effect_on_signs():
    with pytest.raises(ValidationError, match="`coordinates` must be left out"):
        BitFlip(flips="sign", coordinates=3)
