"""The 20-layer residual network for small pictures."""

from abc import ABC
from typing import ClassVar, Literal, Self

from torch import Tensor, nn
from torch.nn.functional import pad, relu

from fedprop.models.base import ModelSpec
from fedprop.models.initialise import initialise_as_he
from fedprop.models.normalisation import Norm, normalised
from fedprop.models.shapes import image_shape

STAGES = (16, 32, 64)
LEAST = 2
"""Fewest channels of a group: with one alone the mean of a channel would be lost at once."""


class Block(nn.Module):
    """Two normalised 3x3 convolutions, added to the block's input.

    Where the block halves the sides and widens the channels, the input skips every other pixel and gets channels of
    zeros: option A of He et al. 2016, section 3.3, which has no parameters.
    """

    def __init__(self, channels: int, width: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.norm1 = normalised(norm, width, least=LEAST)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = normalised(norm, width, least=LEAST)
        self.stride = stride
        self.widening = width - channels

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(relu(self.norm1(self.conv1(x)))))
        return relu(inner + self._shortcut(x))

    def _shortcut(self, x: Tensor) -> Tensor:
        return pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.widening))


class SmallResNet(ModelSpec, ABC):
    """Base of the residual networks for small pictures: 6 `blocks` + 2 layers (He et al. 2016, section 4.2).

    Attributes
    ----------
    norm : `batch` normalisation, or `group` normalisation (Wu and He 2018) in groups of two channels, which looks at
        one example alone and keeps no running statistics.
    """

    blocks: ClassVar[int]

    norm: Norm = "batch"

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        channels, _, _ = image_shape(shape, type(self).__name__, smallest=5)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, STAGES[0], 3, padding=1, bias=False),
            normalised(self.norm, STAGES[0], least=LEAST),
            nn.ReLU(),
        ]
        before = STAGES[0]
        for width in STAGES:
            for _ in range(self.blocks):
                layers.append(Block(before, width, stride=1 if width == before else 2, norm=self.norm))
                before = width
        module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
        initialise_as_he(module)
        return module


class ResNet20(SmallResNet):
    """ResNet-20: a first convolution, three stages of three blocks with 16, 32 and 64 channels, average pooling.

    Source: He et al. 2016, section 4.2; initialised as by He et al. 2015. Any number of channels; sides of at least 5
    pixels, so that the last stage still has more than one to normalise over.
    """

    blocks: ClassVar[int] = 3

    kind: Literal["resnet20"] = "resnet20"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(), cls(norm="group")
