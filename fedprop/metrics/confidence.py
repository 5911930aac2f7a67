"""How sure the global model is of what targeted attacks want it to say."""

from statistics import fmean
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fedprop.errors import InvalidConfig
from fedprop.metrics.base import Metric
from fedprop.metrics.exam import Exam
from fedprop.metrics.reading import Reading


def misclassification_confidence(logits: Float[Tensor, "n c"], targets: Int[Tensor, " n"]) -> float:
    """The probability that a model gives, on average over the attacked examples, to the labels the attacker wants.

    Parameters
    ----------
    logits : what the model answers to the attacked examples.
    targets : the label wanted for each.

    Returns
    -------
    float
        In [0, 1]; NaN if the model answers NaN.

    Raises
    ------
    InvalidConfig
        If there are no examples.

    Source: Bhagoji et al. 2019, section 3, and Guo et al. 2024, section 5.4.

    >>> misclassification_confidence(torch.tensor([[0.0, 0.0], [50.0, 0.0]]), torch.tensor([1, 0]))
    0.75
    """
    if not len(targets):
        raise InvalidConfig("misclassification confidence needs at least one attacked example; found none")
    return float(logits.double().softmax(dim=1).gather(1, targets[:, None]).mean())


class MisclassificationConfidence(Metric):
    """The mean probability that the model gives to the labels that attacks want for their inputs.

    Of several attacks it is the mean over these.
    """

    label: ClassVar[str] = "misclassification confidence"
    standing: ClassVar[bool] = True
    curve: ClassVar[bool] = True

    kind: Literal["misclassification_confidence"] = "misclassification_confidence"

    def applies(self, exam: Exam) -> bool:
        return bool(exam.aims)

    def measure(self, exam: Exam) -> Reading:
        if not all(bool(torch.isfinite(aimed.outputs).all()) for aimed in exam.aims.values()):
            return Reading(why="the model's outputs are not finite")
        return Reading(fmean(misclassification_confidence(*aimed) for aimed in exam.aims.values()))
