"""The two attacks of SIREN+: one compares a number with a threshold, one learns what members look like.

Source: Guo et al. 2024, sections 2.2 and 5.5, after Shokri et al. 2017 and ML-Leaks (Salem et al. 2018). Both attackers
may ask the model for its logits and know the label of every example in question.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fedprop.errors import InvalidConfig
from fedprop.privacy.membership import Inference, infer

Statistic: TypeAlias = Literal["loss", "confidence", "entropy"]
Features: TypeAlias = Literal["logits", "confidences"]

TOP = 3
"""How many of the largest probabilities the first adversary of ML-Leaks looks at, three as published (section IV-B)."""

LIMIT = 1e6
"""Features are cut off here, so that a diverged model cannot overflow the regression."""


class Answers(NamedTuple):
    """What a model says of examples, and what their labels are."""

    logits: Float[Tensor, "n c"]
    labels: Int[Tensor, " n"]


def threshold(members: Answers, nonmembers: Answers, *, statistic: Statistic = "loss") -> Inference:
    """The attack without training: an example is called a member if one number is small or large enough.

    Parameters
    ----------
    statistic : `loss`, the cross-entropy, as in TensorFlow Privacy (Yeom et al. 2018); `confidence`, the largest
        probability, or `entropy`, that of all probabilities, as the third adversary of ML-Leaks (section V).

    Raises
    ------
    InvalidConfig
        If there are no members or no non-members.
    """
    score = _STATISTICS[statistic]
    return infer(score(members), score(nonmembers))


def logistic_regression(members: Answers, nonmembers: Answers, *, features: Features = "logits") -> Inference:
    """The attack that is trained: on the first half of members and non-members, and judged on the others.

    The examples must be in random order. The features are standardised; the regression is scikit-learn's with its
    default penalty, where TensorFlow Privacy chooses the penalty by cross-validation.

    Parameters
    ----------
    features : `logits`, all of them and the loss, as in TensorFlow Privacy; `confidences`, the three largest
        probabilities in falling order, as the first adversary of ML-Leaks (section IV-B).

    Raises
    ------
    InvalidConfig
        If there are fewer than two members or non-members.
    """
    if min(len(members.labels), len(nonmembers.labels)) < 2:
        found = f"{len(members.labels)} and {len(nonmembers.labels)}"
        raise InvalidConfig(f"logistic regression needs two members and two non-members at least; found {found}")
    look = _FEATURES[features]
    return infer(*_learn(look(members), look(nonmembers)))


def _learn(members: Tensor, nonmembers: Tensor) -> tuple[Tensor, Tensor]:
    """The scores of the second halves, after training on the first ones."""
    # scikit-learn takes a second to import, so only those who attack pay for it.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sides = [side.nan_to_num(nan=0.0).clamp(-LIMIT, LIMIT) for side in (members, nonmembers)]
    known = [side[: len(side) // 2] for side in sides]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(torch.cat(known).numpy(), [True] * len(known[0]) + [False] * len(known[1]))
    inside, outside = (model.decision_function(side[len(side) // 2 :].numpy()) for side in sides)
    return torch.from_numpy(inside), torch.from_numpy(outside)


def _log_probabilities(answers: Answers) -> Tensor:
    return answers.logits.cpu().double().log_softmax(dim=1)


def _minus_loss(answers: Answers) -> Tensor:
    return _log_probabilities(answers).gather(1, answers.labels.cpu()[:, None]).squeeze(1)


def _confidence(answers: Answers) -> Tensor:
    return _log_probabilities(answers).exp().amax(dim=1)


def _minus_entropy(answers: Answers) -> Tensor:
    summands: Tensor = torch.special.entr(_log_probabilities(answers).exp())
    return -summands.sum(dim=1)


def _logits_and_loss(answers: Answers) -> Tensor:
    return torch.cat([answers.logits.cpu().double(), -_minus_loss(answers)[:, None]], dim=1)


def _top_probabilities(answers: Answers) -> Tensor:
    probabilities = _log_probabilities(answers).exp()
    return probabilities.topk(min(TOP, probabilities.shape[1]), dim=1).values


_STATISTICS: Mapping[Statistic, Callable[[Answers], Tensor]] = {
    "loss": _minus_loss,
    "confidence": _confidence,
    "entropy": _minus_entropy,
}
_FEATURES: Mapping[Features, Callable[[Answers], Tensor]] = {
    "logits": _logits_and_loss,
    "confidences": _top_probabilities,
}
