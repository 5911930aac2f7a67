"""LeNet-5."""

from typing import Literal

from torch import nn

from fedprop.models.base import ModelSpec
from fedprop.models.shapes import image_shape

PADDED_TO = 32
"""LeNet-5 reads pictures of 32 pixels; those of MNIST are 28, with 2 more on each side."""


class LeNet(ModelSpec):
    """Two 5x5 convolutions with 6 and 16 channels, each with tanh and 2x2 average pooling, then layers of 120 and 84.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II.B, as it is commonly built: every channel of the second
    convolution sees all six before it, pooling has no parameters, and the last layer is linear. Sides below 32 are
    padded by 2.
    """

    kind: Literal["lenet"] = "lenet"

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        channels, height, width = image_shape(shape, "LeNet", smallest=12)
        padding = 2 if min(height, width) < PADDED_TO else 0
        left = [((side + 2 * padding - 4) // 2 - 4) // 2 for side in (height, width)]
        return nn.Sequential(
            nn.Conv2d(channels, 6, 5, padding=padding),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * left[0] * left[1], 120),
            nn.Tanh(),
            nn.Linear(120, 84),
            nn.Tanh(),
            nn.Linear(84, classes),
        )
