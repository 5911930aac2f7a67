"""How far a targeted attack has come."""

from jaxtyping import Float, Int
from torch import Tensor

from fedprop.errors import InvalidConfig


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

    >>> import torch
    >>> misclassification_confidence(torch.tensor([[0.0, 0.0], [50.0, 0.0]]), torch.tensor([1, 0]))
    0.75
    """
    if not len(targets):
        raise InvalidConfig("misclassification confidence needs at least one attacked example; found none")
    return float(logits.double().softmax(dim=1).gather(1, targets[:, None]).mean())
