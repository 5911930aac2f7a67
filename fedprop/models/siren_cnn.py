"""The convolutional network of SIREN+ without differential privacy."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from torch import nn

from fedprop.models.base import ModelSpec
from fedprop.models.shapes import image_shape

UNPADDED_SIDE = 9
"""The shortest side of which two unpadded 5x5 convolutions leave a pixel."""

Rate: TypeAlias = Annotated[float, Field(ge=0.0, lt=1.0)]


class SirenCNN(ModelSpec):
    """Two 5x5 convolutions of 64 channels with ReLU, dropout, 128 hidden units with ReLU, dropout.

    Source: Guo et al. 2024, Table 3; its softmax is left to the loss. The table names neither strides nor padding nor
    the rates of dropout. Here convolutions move by one pixel and are unpadded, except on pictures too small for that (a
    side below 9), which keep their size; the rates are those of the authors' published code.

    Attributes
    ----------
    conv_dropout, hidden_dropout : the share of values dropped after the convolutions and after the hidden units. With 0
        for both, the model draws no random numbers, so that many clients can be trained in one pass.
    """

    kind: Literal["siren_cnn"] = "siren_cnn"
    conv_dropout: Rate = 0.25
    hidden_dropout: Rate = 0.5

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        channels, height, width = image_shape(shape, "SirenCNN", smallest=1)
        padding = 0 if min(height, width) >= UNPADDED_SIDE else 2
        lost = 8 - 4 * padding
        return nn.Sequential(
            nn.Conv2d(channels, 64, 5, padding=padding),
            nn.ReLU(),
            nn.Conv2d(64, 64, 5, padding=padding),
            nn.ReLU(),
            nn.Dropout(self.conv_dropout),
            nn.Flatten(),
            nn.Linear(64 * (height - lost) * (width - lost), 128),
            nn.ReLU(),
            nn.Dropout(self.hidden_dropout),
            nn.Linear(128, classes),
        )
