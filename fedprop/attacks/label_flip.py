"""Data poisoning: wrong labels, honest training."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.attacks.base import Attack


class LabelFlip(Attack):
    """The label-flipping attack: label l becomes L - l - 1, where L is the number of classes.

    Compromised clients then train and report as honest ones do. Flipping twice restores the labels; with an odd L the
    middle class keeps its label.

    Source: Fang et al. (2020), section 4.1.

    >>> y = torch.tensor([0, 1, 9])
    >>> LabelFlip().poison(torch.zeros(3, 2), y, 10, torch.Generator())[1]
    tensor([9, 8, 0])
    """

    needs_classes: ClassVar[bool] = True

    kind: Literal["label_flip"] = "label_flip"

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The same inputs x [n, ...] with flipped labels [n]; `y` is left untouched."""
        return x, classes - y - 1
