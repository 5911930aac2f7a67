"""What is learnt: from a model's outputs and the right answers to a loss, and to which answers are right.

Everything that trains or tests a model asks its task, and nothing else knows what outputs mean. An example may have one
right answer, one at each of its positions, or a vector of numbers; its loss is the mean over these.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, TypeAlias

import torch
from torch import Tensor

from fedprop.metrics import Number
from fedprop.types import Kind

Reduction: TypeAlias = Literal["mean", "sum"]


class Task(Kind, ABC):
    """Base of all tasks.

    Attributes
    ----------
    has_classes : whether each example belongs to one class, as attacks on labels, probes and metrics of classes need.
    sequences : whether there is an answer at each position of an input [n, T]: then labels are [n, T], else [n].
    vectors : whether the answer to an input is a vector of numbers: then labels are float32 [n, answers].
    outputs_are : what a model's outputs are, in one word.
    numbers : what is told of every run that learns this.
    """

    has_classes: ClassVar[bool] = False
    sequences: ClassVar[bool] = False
    vectors: ClassVar[bool] = False
    outputs_are: ClassVar[str] = "logits"
    numbers: ClassVar[tuple[Number, ...]] = ()

    @abstractmethod
    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The loss of each example [k, b] of many clients, whose outputs and labels are stacked [k, b, ...].

        Those of one batch, [b, ...], must do as well where `loss` is not overridden.
        """

    def loss(self, outputs: Tensor, y: Tensor, reduction: Reduction = "mean") -> Tensor:
        """The mean, or the sum, of the losses of a batch's examples."""
        found = self.each(outputs, y)
        return found.mean() if reduction == "mean" else found.sum()

    def shape(self, x: Tensor, answers: int) -> tuple[int, ...]:
        """The shape of a model's outputs for inputs x [n, ...], where there are so many different answers."""
        return len(x), answers

    def right(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Which answers are right: Booleans of the labels' shape."""
        return outputs.argmax(dim=-1) == y

    def strata(self, y: Tensor, answers: int) -> tuple[Tensor, int]:
        """What a partition deals the examples by: an integer [n] for each, and how many different ones there are."""
        return torch.zeros(len(y), dtype=torch.int64, device=y.device), 1

    def misfit(self, y: Tensor) -> str:
        """The labels that this needs, and which were found, if labels y of the right shape will not do."""
        return ""

    def refused(self, outputs: Any, x: Tensor, answers: int | None) -> str:
        """The rule that a model's outputs for inputs x [n, ...] break, and what was found; empty if they break none.

        Where the number of answers is not known, any will do.
        """
        many = "classes" if answers is None else str(answers)
        wanted = [str(size) for size in self.shape(x, 0)[:-1]] + [many]
        rule = f"{self.outputs_are} of shape [{', '.join(wanted)}], one tensor of floats"
        if not isinstance(outputs, Tensor):
            return f"{rule}; found {type(outputs).__name__}"
        known = outputs.shape[-1] if answers is None and outputs.ndim else answers or 0
        if tuple(outputs.shape) != self.shape(x, known) or not outputs.is_floating_point():
            return f"{rule}; found {outputs.dtype} of shape {list(outputs.shape)}"
        return ""
