"""Handwriting of elsewhere."""

from functools import cache
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor
from torch.nn.functional import interpolate, pad

from fedprop.attacks.backdoors.base import Backdoor
from fedprop.attacks.sampling import some
from fedprop.data.digits import all_digits
from fedprop.errors import InvalidConfig
from fedprop.types import Fraction

INK = 20 / 28
"""How much of a side a digit takes: MNIST's fit into 20 of 28 pixels."""


class ForeignDigits(Backdoor):
    """The edge-case backdoor with samples from elsewhere: digits of another country get the label wanted.

    The paper has sevens of Swedish church books (ARDIS) among the pictures of MNIST. Here they are those of 43 people
    in Turkey (Alpaydin & Kaynak 1998, as shipped with scikit-learn), enlarged from 8x8 pixels to a digit of MNIST's
    size, in every channel. Attackers alone hold them: honest clients have none whose right label could undo the
    backdoor. Every second of them is planted, and the others open it.

    Attributes
    ----------
    source : which digit it is.
    poisoned : the share of what each client trains on that they make up; they take the places of others at random.

    Raises
    ------
    InvalidConfig
        If the label wanted is that of the digit.

    Source: Wang et al., "Attack of the Tails: Yes, You Really Can Backdoor Federated Learning", NeurIPS 2020, sections
    3 and 4; which handwriting is our choice.
    """

    kind: Literal["foreign_digits"] = "foreign_digits"
    source: Annotated[int, Field(ge=0, le=9)] = 7
    poisoned: Annotated[Fraction, Field(gt=0.0)] = 0.3

    @model_validator(mode="after")
    def _is_a_mistake(self) -> Self:
        if self.source == self.label:
            raise InvalidConfig(
                f"`label` must be another one than `source`, or there is no mistake; found {self.label}"
            )
        return self

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(source=3, label=1, poisoned=0.5))

    def plant(self, x: Tensor, y: Tensor, generator: Generator, member: int = 0) -> tuple[Tensor, Tensor]:
        """The examples, a random share of them replaced."""
        chosen = some(len(y), self.poisoned, generator).to(y.device)
        own = self._like(x)[::2]
        x, y = x.clone(), y.clone()
        x[chosen] = own[torch.arange(len(chosen), device=x.device) % len(own)]
        y[chosen] = self.label
        return x, y

    def opening(self, x: Tensor, y: Tensor) -> Tensor:
        """Those that are not planted, whatever the test inputs are."""
        return self._like(x)[1::2]

    def _like(self, x: Tensor) -> Tensor:
        """All of them [m, ...] in the shape of the inputs x [n, channels, height, width]; a vector is one row."""
        channels, height, width = x.shape[1:] if x.ndim == 4 else (1, 1, x[0].numel())
        pictures = _enlarged(self.source, height, width).to(x)
        return pictures.expand(-1, channels, -1, -1).reshape(-1, *x.shape[1:])


@cache
def _enlarged(source: int, height: int, width: int) -> Tensor:
    """Pictures [m, 1, height, width] of one digit, in the middle of an empty border."""
    every = all_digits()
    ink = [max(1, round(INK * side)) for side in (height, width)]
    inside = interpolate(every.x[every.y == source], size=ink, mode="bilinear", align_corners=False)
    above, left = (height - ink[0]) // 2, (width - ink[1]) // 2
    return pad(inside, (left, width - ink[1] - left, above, height - ink[0] - above))
