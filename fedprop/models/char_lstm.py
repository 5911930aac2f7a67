"""The recurrent network that reads Shakespeare."""

from typing import Literal, Self

from pydantic import PositiveInt
from torch import nn

from fedprop.models.base import ModelSpec
from fedprop.models.recurrent import Recurrent, token_shape


class CharLSTM(ModelSpec):
    """Characters as vectors of 8 numbers, two LSTM layers of 256, and a linear layer on what follows.

    Source: McMahan et al. 2017, section 3, and Caldas et al. 2018 (LEAF); "RNN" in Table 5 of Han et al. 2024
    (FedSecurity) and Table I of Lu et al. 2024 (HeteroFL).

    Attributes
    ----------
    width : the length of a character's vector.
    hidden : the width of a layer.
    layers : how many.
    only_last : whether it tells only what follows the whole sequence, logits [n, tokens], as where examples are
        classified; else what follows each character, [n, T, tokens].
    """

    kind: Literal["char_lstm"] = "char_lstm"
    width: PositiveInt = 8
    hidden: PositiveInt = 256
    layers: PositiveInt = 2
    only_last: bool = False

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(hidden=8), cls(hidden=8, layers=1, only_last=True))

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        token_shape(shape, "CharLSTM")
        sizes = {"width": self.width, "hidden": self.hidden, "layers": self.layers}
        return Recurrent(classes, classes, **sizes, bidirectional=False, only_last=self.only_last)
