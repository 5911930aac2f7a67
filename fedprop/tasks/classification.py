"""Telling classes apart."""

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import cross_entropy

from fedprop.tasks.base import Reduction, Task


class Classification(Task):
    """To which of some classes an input belongs: logits [n, classes], labels [n], and the cross-entropy of a softmax.

    >>> import torch
    >>> task, outputs = Classification(), torch.tensor([[0.0, 0.0], [0.0, 9.0]])
    >>> task.right(outputs, torch.tensor([1, 1])).tolist(), round(float(task.loss(outputs, torch.tensor([1, 1]))), 3)
    ([False, True], 0.347)
    """

    has_classes: ClassVar[bool] = True

    kind: Literal["classification"] = "classification"

    def loss(self, outputs: Tensor, y: Tensor, reduction: Reduction = "mean") -> Tensor:
        return cross_entropy(outputs, y, reduction=reduction)

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        return cross_entropy(outputs.mT, y, reduction="none")

    def strata(self, y: Tensor, answers: int) -> tuple[Tensor, int]:
        return y, answers


CLASSIFICATION = Classification()
"""What is learnt unless something else is said."""
