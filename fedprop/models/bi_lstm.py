"""A recurrent network that reads in both directions."""

from typing import Literal, Self

from pydantic import PositiveInt
from torch import nn

from fedprop.models.base import ModelSpec
from fedprop.models.recurrent import Recurrent, token_shape


class BiLSTM(ModelSpec):
    """Tokens as vectors, LSTM layers in both directions and a linear layer.

    It classifies a whole sequence: what follows a token it could not be asked, for it has seen that.

    Attributes
    ----------
    tokens : how many different tokens inputs hold; None for as many as there are classes, as where the next character
        is told.
    width : the length of a token's vector.
    hidden : the width of a layer in each direction.
    layers : how many.

    Source: Graves and Schmidhuber, "Framewise Phoneme Classification with Bidirectional LSTM", 2005; "RNN (bi-LSTM)" in
    Table 5 of Han et al. 2024 (FedSecurity), who state no sizes: these are those of `char_lstm`.
    """

    kind: Literal["bi_lstm"] = "bi_lstm"
    tokens: PositiveInt | None = None
    width: PositiveInt = 8
    hidden: PositiveInt = 256
    layers: PositiveInt = 2

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(hidden=8), cls(hidden=8, layers=1, tokens=100))

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        token_shape(shape, "BiLSTM")
        sizes = {"width": self.width, "hidden": self.hidden, "layers": self.layers}
        return Recurrent(self.tokens or classes, classes, **sizes, bidirectional=True, only_last=True)
