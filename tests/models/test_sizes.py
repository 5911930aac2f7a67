"""The sizes that the papers, or arithmetic, give."""

import pytest
import torch
from pydantic import ValidationError

from fedprop.models import (
    MLP,
    BiLSTM,
    CharLSTM,
    DLGLeNet,
    FangDNN,
    LeNet,
    LogisticRegression,
    McMahanCNN,
    ResNet18,
    ResNet20,
    ResNet56,
    ShiCNN,
    SirenCNN,
    SirenDPCNN,
)

MNIST, CIFAR, DIGITS = (1, 28, 28), (3, 32, 32), (1, 8, 8)


@pytest.mark.parametrize(
    ("spec", "shape", "wanted"),
    [
        (LogisticRegression(), MNIST, 7850),
        (LogisticRegression(), (30,), 310),
        (MLP(), DIGITS, 64 * 64 + 64 + 640 + 10),
        (MLP(hidden=(5, 4)), (3,), 20 + 24 + 50),
        # 28 -> 26 -> 13 -> 11 -> 5 pixels: 300 + 13550 + (1250 + 1) * 200 + 2010.
        (FangDNN(), MNIST, 266_060),
        # Padded, 8 -> 4 -> 2 pixels: 300 + 13550 + (200 + 1) * 200 + 2010.
        (FangDNN(), DIGITS, 56_060),
        # As 5x6, padded, one pixel is left: 300 + 13550 + (50 + 1) * 200 + 2010.
        (FangDNN(), (30,), 26_060),
        (ShiCNN(), CIFAR, 896 + 18_496 + 4097 * 128 + 1290),
        (ShiCNN(hidden=10), MNIST, 320 + 18_496 + 3137 * 10 + 110),
        # 28 -> 24 -> 20 pixels: 1664 + 102464 + (25600 + 1) * 128 + 1290.
        (SirenCNN(), MNIST, 3_382_346),
        (SirenCNN(), DIGITS, 1664 + 102_464 + 4097 * 128 + 1290),
        # 28 -> 14 -> 13 -> 7 -> 6 pixels: 1040 + 8224 + (1152 + 1) * 32 + 330.
        (SirenDPCNN(), MNIST, 46_490),
        # 32 -> 16 -> 15 -> 8 -> 7 pixels.
        (SirenDPCNN(), CIFAR, 3088 + 8224 + 1569 * 32 + 330),
        # 32 -> 16 -> 8 pixels: 3 * 12 * 25 + 12, twice 12 * 12 * 25 + 12, 12 * 64 * 10 + 10.
        (DLGLeNet(), CIFAR, 912 + 2 * 3612 + 7690),
        (DLGLeNet(), DIGITS, 312 + 2 * 3612 + 490),
        # The first convolution, its norm, the four stages (He et al. 2016, Table 1), and the last layer.
        (ResNet18(), CIFAR, 1728 + 128 + 147_968 + 525_568 + 2_099_712 + 8_393_728 + 5130),
        (ResNet18(norm="group"), MNIST, 576 + 128 + 147_968 + 525_568 + 2_099_712 + 8_393_728 + 5130),
        # He et al. 2016, Table 6: 0.27 million.
        (ResNet20(), CIFAR, 269_722),
        (ResNet20(), DIGITS, 269_722 - 2 * 9 * 16),
        # Six more blocks in each stage: 36 convolutions with their norms. He et al. 2016, Table 6: 0.85 million.
        (ResNet56(), CIFAR, 269_722 + 12 * sum(9 * width**2 + 2 * width for width in (16, 32, 64))),
        # 28, padded to 32 -> 28 -> 14 -> 10 -> 5 pixels: 156 + 2416 + 401 * 120 + 121 * 84 + 850.
        (LeNet(), MNIST, 61_706),
        # 32 -> 28 -> 14 -> 10 -> 5 pixels.
        (LeNet(), CIFAR, 456 + 2416 + 401 * 120 + 121 * 84 + 850),
        # McMahan et al. 2017, section 3.
        (McMahanCNN(), MNIST, 1_663_370),
        (McMahanCNN(hidden=7), CIFAR, 75 * 32 + 32 + 51_264 + 4097 * 7 + 80),
    ],
)
def test_number_of_parameters(spec, shape, wanted):
    assert sum(p.numel() for p in spec.build(shape, 10, seed=0).parameters()) == wanted


def test_number_of_parameters_of_what_reads_characters():
    """80 vectors of 8; 4 gates of 256 that see 8 and 256, then 256 and 256, with two biases each; 80 answers."""
    wanted = 80 * 8 + 1024 * (8 + 256 + 2) + 1024 * (256 + 256 + 2) + 257 * 80
    assert sum(p.numel() for p in CharLSTM().build((80,), 80, seed=0).parameters()) == wanted
    both_ways = 100 * 8 + 2 * 16 * (8 + 4 + 2) + 2 * 16 * (8 + 4 + 2) + 9 * 3
    assert sum(p.numel() for p in BiLSTM(tokens=100, hidden=4).build((80,), 3, seed=0).parameters()) == both_ways


def test_logistic_regression_starts_undecided():
    assert LogisticRegression().build(DIGITS, 10, seed=3)(torch.rand(5, *DIGITS)).eq(0).all()


def test_mlp_needs_a_hidden_layer():
    with pytest.raises(ValidationError, match="hidden"):
        MLP(hidden=())
