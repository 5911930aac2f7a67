"""The network of deep leakage from gradients."""

from typing import Literal

from torch import nn

from fedprop.models.base import ModelSpec
from fedprop.models.shapes import image_shape
from fedprop.types import Positive


class DLGLeNet(ModelSpec):
    """Three 5x5 convolutions with 12 channels, the first two with stride 2, each with a sigmoid, and a linear layer.

    It can be differentiated as often as one likes, which attacks on gradients need.

    Attributes
    ----------
    spread : weights and biases begin uniformly in [-spread, spread].

    Source: Zhu, Liu and Han, "Deep Leakage from Gradients", NeurIPS 2019, section 4.1; sizes as in the authors' code.
    """

    kind: Literal["dlg_lenet"] = "dlg_lenet"
    spread: Positive = 0.5

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        channels, height, width = image_shape(shape, "DLGLeNet", smallest=1)
        made = nn.Sequential(
            nn.Conv2d(channels, 12, 5, padding=2, stride=2),
            nn.Sigmoid(),
            nn.Conv2d(12, 12, 5, padding=2, stride=2),
            nn.Sigmoid(),
            nn.Conv2d(12, 12, 5, padding=2),
            nn.Sigmoid(),
            nn.Flatten(),
            nn.Linear(12 * -(-height // 4) * -(-width // 4), classes),
        )
        for parameter in made.parameters():
            nn.init.uniform_(parameter, -self.spread, self.spread)
        return made
