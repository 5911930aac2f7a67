import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.errors import InvalidConfig
from fedprop.models import FangDNN, LeNet, McMahanCNN, ResNet18, ResNet20, ResNet56, ShiCNN, SirenCNN, SirenDPCNN
from fedprop.models.shapes import squarest


@settings(deadline=None)
@given(st.integers(1, 500))
def test_no_rectangle_of_the_same_area_is_closer_to_a_square(features):
    height, width = squarest(features)
    assert height * width == features
    assert height <= width
    assert not any(features % h == 0 for h in range(height + 1, width) if h * h <= features)


@pytest.mark.parametrize(
    ("spec", "shape", "smallest"),
    [
        (FangDNN(), (28, 28), 4),
        (FangDNN(), (1, 3, 9), 4),
        (FangDNN(), (0, 8, 8), 4),
        (ShiCNN(), (30,), 4),
        (ShiCNN(), (1, 9, 3), 4),
        (ResNet20(), (1, 4, 8), 5),
        (ResNet20(), (), 5),
        (SirenCNN(), (784,), 1),
        (SirenDPCNN(), (1, 6, 28), 7),
        (ResNet18(), (3, 32, 1), 2),
        (ResNet56(), (1, 4, 8), 5),
        (LeNet(), (1, 12, 11), 12),
        (McMahanCNN(), (1, 3, 8), 4),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(spec, shape, smallest):
    message = (
        f"inputs must have shape (channels, height, width) with sides of at least {smallest} "
        f"for {type(spec).__name__}; found {shape}"
    )
    with pytest.raises(InvalidConfig, match=re.escape(message)):
        spec.build(shape, 10, seed=0)


def test_flat_inputs_without_a_rectangle_are_refused():
    with pytest.raises(InvalidConfig, match=re.escape("for FangDNN; found (1, 1, 31)")):
        FangDNN().build((31,), 2, seed=0)


@pytest.mark.parametrize(
    ("spec", "side"),
    [
        (FangDNN(), 4),
        (ShiCNN(), 4),
        (ResNet20(), 5),
        (SirenCNN(), 1),
        (SirenDPCNN(), 7),
        (ResNet18(width=4), 2),
        (ResNet18(width=4, norm="group"), 2),
        (ResNet56(), 5),
        (LeNet(), 12),
        (McMahanCNN(hidden=4), 4),
    ],
)
def test_the_smallest_shape_named_is_accepted_even_for_a_batch_of_one(spec, side):
    assert spec.build((1, side, side), 3, seed=0)(torch.rand(1, 1, side, side)).shape == (1, 3)
