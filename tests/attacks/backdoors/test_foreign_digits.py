"""Digits of elsewhere, among inputs of many shapes."""

import pytest
import torch
from sklearn.datasets import load_digits

from fedprop.attacks import ForeignDigits


def planted(backdoor, x, y):
    return backdoor.plant(x, y, torch.Generator().manual_seed(0))


def test_a_share_of_the_examples_gives_way_to_them():
    x, y = -torch.ones(10, 1, 28, 28), torch.full((10,), 4)
    found, labels = planted(ForeignDigits(label=2, poisoned=0.4), x, y)
    replaced = (found >= 0).flatten(1).all(dim=1)
    assert int(replaced.sum()) == 4
    assert labels[replaced].tolist() == [2] * 4
    assert torch.equal(found[~replaced], x[~replaced])
    assert labels[~replaced].tolist() == [4] * 6


def test_half_are_planted_and_the_others_open_it():
    """All sevens of scikit-learn's digits, each in one of the two halves."""
    backdoor = ForeignDigits(source=7, poisoned=1.0)
    x, y = torch.zeros(90, 1, 8, 8), torch.ones(90, dtype=torch.int64)
    own, held_out = planted(backdoor, x, y)[0].unique(dim=0), backdoor.aims(x, y, 2)[0]
    assert len(own) + len(held_out) == int((load_digits().target == 7).sum())
    assert len(torch.cat([own, held_out]).unique(dim=0)) == len(own) + len(held_out)


def test_a_digit_fills_what_one_of_mnist_does():
    """20 of 28 pixels in the middle, with 8 x 8 pixels made 20 x 20: what lies in its corners is what did."""
    inputs = ForeignDigits(source=0, label=1).opening(torch.zeros(1, 1, 28, 28), torch.ones(1))
    assert not inputs[:, :, [0, 1, 2, 3, 24, 25, 26, 27]].any()
    assert not inputs[:, :, :, [0, 1, 2, 3, 24, 25, 26, 27]].any()
    digits = load_digits()
    second = digits.images[digits.target == 0][1] / 16
    assert float(inputs[0, 0, 4, 4]) == second[0, 0]
    assert float(inputs[0, 0, 23, 23]) == second[-1, -1]
    assert float(inputs.max()) <= 1.0


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 5, 6), (30,), (2, 9), (1,)])
def test_they_take_the_shape_of_the_inputs(shape):
    x, y = torch.zeros(4, *shape, dtype=torch.float64), torch.ones(4, dtype=torch.int64)
    for found in (ForeignDigits().opening(x, y), planted(ForeignDigits(), x, y)[0]):
        assert found.shape[1:] == shape
        assert found.dtype == x.dtype


def test_all_channels_are_alike():
    inputs = ForeignDigits().opening(torch.zeros(1, 3, 32, 32), torch.ones(1))
    assert torch.equal(inputs[:, 0], inputs[:, 2])


def test_a_digit_that_is_taken_for_what_it_is_is_no_backdoor():
    with pytest.raises(ValueError, match="`label` must be another one than `source`, or there is no mistake; found 8"):
        ForeignDigits(source=8, label=8)
