"""The convolutional network of SIREN+ with local differential privacy."""

from typing import Literal

from torch import nn

from fedprop.models.base import ModelSpec
from fedprop.models.shapes import image_shape


class SirenDPCNN(ModelSpec):
    """An 8x8 convolution (16 channels) and a 4x4 one (32), each with ReLU and max pooling, then 32 hidden units.

    Source: Guo et al. 2024, Table 4; its softmax is left to the loss. The table names neither strides nor padding, and
    its pooling "2 x 1" can be read as a window, or as a window's side and its step. Here, as in the authors' published
    code, it is a 2x2 window that moves by one pixel; convolutions move by two pixels and are padded so that they halve
    the sides, rounded up, with the odd pixel of padding at the right and bottom.
    """

    kind: Literal["siren_dp_cnn"] = "siren_dp_cnn"

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        channels, *sides = image_shape(shape, "SirenDPCNN", smallest=7)
        halved = [_pooled(side) for side in sides]
        height, width = (_pooled(side) for side in halved)
        return nn.Sequential(
            _padding(sides, 8),
            nn.Conv2d(channels, 16, 8, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(2, stride=1),
            _padding(halved, 4),
            nn.Conv2d(16, 32, 4, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(2, stride=1),
            nn.Flatten(),
            nn.Linear(32 * height * width, 32),
            nn.ReLU(),
            nn.Linear(32, classes),
        )


def _halved(side: int) -> int:
    return -(-side // 2)


def _pooled(side: int) -> int:
    """What one convolution and its pooling leave of a side."""
    return _halved(side) - 1


def _padding(sides: list[int], kernel: int) -> nn.Module:
    """As many zeros as it takes for a convolution with stride 2 to halve both sides, rounded up."""
    missing = [2 * (_halved(side) - 1) + kernel - side for side in sides]
    (top, bottom), (left, right) = ((m // 2, m - m // 2) for m in missing)
    return nn.ZeroPad2d((left, right, top, bottom))
