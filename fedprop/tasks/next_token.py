"""Telling what comes next in a text."""

import math
from collections.abc import Collection
from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import cross_entropy

from fedprop.metrics import Number, Reading
from fedprop.metrics.base import Recorded
from fedprop.tasks.base import Reduction, Task
from fedprop.types import ClientId


class Perplexity(Number):
    """e to the mean loss of a token: among how many equally likely tokens the model hesitates (Jelinek et al. 1977)."""

    label: ClassVar[str] = "perplexity"
    standing: ClassVar[bool] = True

    kind: Literal["perplexity"] = "perplexity"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        if record.loss is None:
            return None
        try:
            return Reading(math.exp(record.loss))
        except (OverflowError, ValueError):  # a loss of some hundreds, or none at all
            return Reading(why=f"the mean loss is {record.loss:g}")


class TokenAccuracy(Number):
    """The share of test tokens that the model guesses rightly from those before them."""

    label: ClassVar[str] = "token accuracy"
    standing: ClassVar[bool] = True

    kind: Literal["token_accuracy"] = "token_accuracy"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        return None if record.accuracy is None else Reading(record.accuracy)


class NextToken(Task):
    """Which token follows, at each position of a sequence.

    Inputs are token ids [n, T], labels the ids that follow them [n, T], outputs logits [n, T, tokens]: what stands at
    position t may depend on the inputs up to t alone, which is the model's affair. The loss of a sequence is the mean
    cross-entropy of its tokens, in nats; an example, whose gradient differential privacy clips, is a sequence.

    >>> import torch
    >>> task, outputs, follows = NextToken(), torch.zeros(1, 2, 4), torch.tensor([[0, 3]])
    >>> round(float(task.loss(outputs, follows)), 4), task.right(outputs, follows).tolist()
    (1.3863, [[True, False]])
    """

    sequences: ClassVar[bool] = True
    numbers: ClassVar[tuple[Number, ...]] = (Perplexity(), TokenAccuracy())

    kind: Literal["next_token"] = "next_token"

    def shape(self, x: Tensor, answers: int) -> tuple[int, ...]:
        return (*x.shape[:2], answers)

    def loss(self, outputs: Tensor, y: Tensor, reduction: Reduction = "mean") -> Tensor:
        found = cross_entropy(outputs.flatten(0, -2), y.flatten(), reduction=reduction)
        return found if reduction == "mean" else found / y.shape[-1]

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        tokens = cross_entropy(outputs.flatten(0, -2), y.flatten(), reduction="none")
        return tokens.view(y.shape).mean(dim=-1)
