"""The 18-layer residual network."""

from typing import Literal, Self

from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.functional import relu

from fedprop.models.base import ModelSpec
from fedprop.models.initialise import initialise_as_he
from fedprop.models.normalisation import Norm, normalised
from fedprop.models.shapes import image_shape

STAGES = 4
BLOCKS = 2


class ResNet18(ModelSpec):
    """ResNet-18: a first convolution, four stages of two blocks that double the channels, average pooling.

    Source: He et al. 2016, Table 1 and section 3.3, with projections where the shape changes (option B); initialised as
    by He et al. 2015. Guo et al. 2024 do not say how they fit it to pictures of 32 pixels. Here the first convolution
    is 3x3 with stride 1 and no pooling follows, since the original's would leave one pixel to the last stage. Every
    stage but the first halves the sides, as long as each keeps two pixels, so that there is more than one to normalise
    over.

    Attributes
    ----------
    norm : `batch` normalisation, or `group` normalisation with 32 groups (Wu and He 2018), which looks at one example
        at a time and can therefore be trained with differential privacy.
    width : the channels of the first stage; 64 in the paper.
    """

    kind: Literal["resnet18"] = "resnet18"
    norm: Norm = "batch"
    width: PositiveInt = 64

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(width=4), cls(norm="group", width=4))

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        channels, height, width = image_shape(shape, "ResNet18", smallest=2)
        side, before = min(height, width), self.width
        layers: list[nn.Module] = [nn.Conv2d(channels, before, 3, padding=1, bias=False), normalised(self.norm, before)]
        layers.append(nn.ReLU())
        for stage in range(STAGES):
            stride = 2 if stage and side > 2 else 1
            side = -(-side // stride)
            for block in range(BLOCKS):
                after = self.width * 2**stage
                layers.append(Block(before, after, 1 if block else stride, self.norm))
                before = after
        module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
        initialise_as_he(module)
        return module


class Block(nn.Module):
    """Two normalised 3x3 convolutions, added to the block's input, or to a projection of it where the shape changes."""

    def __init__(self, channels: int, width: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
            normalised(norm, width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            normalised(norm, width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != width:
            projection = nn.Conv2d(channels, width, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, normalised(norm, width))

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.inner(x) + self.shortcut(x))
