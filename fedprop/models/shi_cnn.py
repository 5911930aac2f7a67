"""The convolutional network of Shi et al. 2022."""

from typing import Literal

from pydantic import PositiveInt
from torch import nn

from fedprop.models.base import ModelSpec
from fedprop.models.convolutional import two_convolutions


class ShiCNN(ModelSpec):
    """Two convolutional layers followed by two fully connected layers.

    Source: Shi et al. 2022, section VI, which states just that. Chosen here: padded 3x3 convolutions with 32 and 64
    channels, ReLU and 2x2 max pooling after each.

    Attributes
    ----------
    hidden : the width of the first fully connected layer.
    """

    kind: Literal["shi_cnn"] = "shi_cnn"
    hidden: PositiveInt = 128

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        return two_convolutions(shape, "ShiCNN", size=3, hidden=self.hidden, classes=classes)
