"""Inputs that share a property by nature."""

from typing import Literal, Self

import torch
from torch import Tensor

from fedprop.attacks.backdoors.base import Property
from fedprop.types import Vector


class Semantic(Property):
    """The semantic backdoor: inputs that have a property anyway get the label wanted, and none is changed.

    The paper picks pictures by what they show, green cars for one, by hand. Here the property is one that can be
    measured.

    - `brightness`, the mean of an input's entries, is one that any data have.
    - `slant` is how far handwriting leans to the right: by how many columns the line that fits the ink best moves for
      each row upwards, minus the covariance of row and column over the variance of the row, with the entries as
      weights. It is 0 where nothing is written, or in one row; inputs that are vectors are one row.

    Attributes
    ----------
    of : what is measured.
    least : how large it must be.

    Source: Bagdasaryan, Veit, Hua, Estrin and Shmatikov, "How To Backdoor Federated Learning", AISTATS 2020, section
    4.1; the properties are our choice.

    >>> import torch
    >>> x, y = torch.tensor([[0.1, 0.3], [0.9, 0.5], [0.6, 0.8]]), torch.tensor([1, 1, 2])
    >>> Semantic(source=1, least=0.5).plant(x, y, torch.Generator())[1]
    tensor([1, 0, 2])
    """

    kind: Literal["semantic"] = "semantic"
    of: Literal["brightness", "slant"] = "brightness"
    least: float = 0.5

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(source=1, least=0.3))

    def having(self, x: Tensor, y: Tensor) -> Tensor:
        """Which of the inputs x [n, ...] have so much of it."""
        measured = x.flatten(1).double().mean(dim=1) if self.of == "brightness" else slant(x)
        return measured >= self.least


def slant(x: Tensor) -> Vector:
    """How far to the right the ink of each input x [n, ..., height, width] leans; see `Semantic`.

    A line through the corners of a square leans by one column a row, and one that leans the other way by minus one:

    >>> slant(torch.stack([torch.eye(4).flip(0), torch.eye(4)])).tolist()
    [1.0, -1.0]
    """
    height, width = x.shape[-2:] if x.ndim > 2 else (1, x.shape[-1])
    ink = x.double().clamp(min=0).reshape(len(x), -1, height, width).sum(dim=1)
    rows = torch.arange(height, dtype=ink.dtype, device=x.device)[:, None]
    columns = torch.arange(width, dtype=ink.dtype, device=x.device)
    weights = ink / ink.sum(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(ink.dtype).tiny)
    down = rows - (weights * rows).sum(dim=(1, 2), keepdim=True)
    right = columns - (weights * columns).sum(dim=(1, 2), keepdim=True)
    height_of_ink = (weights * down**2).sum(dim=(1, 2))
    leaning = -(weights * down * right).sum(dim=(1, 2))
    return torch.where(height_of_ink > 0, leaning / height_of_ink, 0.0)
