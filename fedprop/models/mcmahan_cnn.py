"""The convolutional network of federated averaging, and of FEMNIST."""

from typing import Literal, Self

from pydantic import PositiveInt
from torch import nn

from fedprop.models.base import ModelSpec
from fedprop.models.convolutional import two_convolutions


class McMahanCNN(ModelSpec):
    """Two padded 5x5 convolutions with 32 and 64 channels, each with ReLU and 2x2 max pooling, and a hidden layer.

    Source: McMahan et al. 2017, section 3: 1,663,370 parameters for MNIST. Caldas et al. 2018 (LEAF) have it for
    FEMNIST with `hidden: 2048`; "CNN" in Table 5 of Han et al. 2024 (FedSecurity) and Table I of Lu et al. 2024
    (HeteroFL).

    Attributes
    ----------
    hidden : the width of the hidden layer.
    """

    kind: Literal["mcmahan_cnn"] = "mcmahan_cnn"
    hidden: PositiveInt = 512

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(hidden=8), cls(hidden=4))

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        return two_convolutions(shape, "McMahanCNN", size=5, hidden=self.hidden, classes=classes)
