"""How well scores tell the examples a model was trained on from others."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fedprop.errors import InvalidConfig
from fedprop.privacy.probe import Finding
from fedprop.types import ClientId


@dataclass(frozen=True)
class Inference:
    """The receiver operating characteristic (ROC) of one attack, and what sums it up.

    Attributes
    ----------
    fpr, tpr : the points of the curve, from (0, 0) to (1, 1): the share of non-members and of members whose score is at
        least the threshold. Points on a straight line between their neighbours are left out.
    thresholds : one for each point, falling; the first is infinity, since no example reaches it.
    auc : the area under the curve: how likely a member scores above a non-member, ties counting half. In [0, 1]; 0.5
        for scores that say nothing.
    advantage : the largest |tpr - fpr|, in [0, 1]: how much better than guessing the best threshold is.
    """

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    thresholds: tuple[float, ...]
    auc: float
    advantage: float


def finding_of(client: ClientId | None, attack: str, inference: Inference) -> Finding:
    """What an attack on the model of a client, or on the global one, came to, as a finding."""
    names = ("fpr", "tpr", "thresholds", "auc", "advantage")
    return Finding("membership", client, attack, {name: getattr(inference, name) for name in names})


def inference_of(finding: Finding) -> Inference:
    """What a finding of membership inference holds."""
    found: Any = finding.result
    return Inference(**found)


def infer(members: Float[Tensor, " m"], nonmembers: Float[Tensor, " n"]) -> Inference:
    """Take the examples that score at least a threshold for members, at every threshold.

    A score that is NaN, as a broken model gives, is below all others.

    Parameters
    ----------
    members, nonmembers : their scores; members should have the higher ones.

    Raises
    ------
    InvalidConfig
        If either is empty.

    Source: Shokri et al. 2017 (the attack); Yeom et al. 2018, definition 4, with the maximum over thresholds that
    TensorFlow Privacy takes (the advantage).

    >>> infer(torch.tensor([0.9, 0.5]), torch.tensor([0.5, 0.1])).auc
    0.875
    """
    if not len(members) or not len(nonmembers):
        raise InvalidConfig(f"membership needs members and non-members; found {len(members)} and {len(nonmembers)}")
    # scikit-learn takes a second to import, so only those who attack pay for it.
    from sklearn.metrics import auc, roc_curve

    scores = torch.cat([members, nonmembers]).double().cpu().numpy()
    # Ranks have the same curve, and unlike scores they are always finite.
    values, ranks = np.unique(np.where(np.isnan(scores), -math.inf, scores), return_inverse=True)
    fpr, tpr, cuts = roc_curve(np.arange(len(scores)) < len(members), ranks)
    return Inference(
        fpr=tuple(fpr.tolist()),
        tpr=tuple(tpr.tolist()),
        thresholds=(math.inf, *(float(values[int(cut)]) for cut in cuts[1:])),
        auc=float(auc(fpr, tpr)),
        advantage=float(abs(tpr - fpr).max()),
    )
