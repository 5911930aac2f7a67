"""A push that is strong on the weights that matter, and hides in the deviation of the others."""

from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import mean_and_deviation, sendable
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Fraction, Positive, Updates, Vector


class Sparse(Attack):
    """The hybrid sparse attack: all compromised clients send mu - s sigma, with a large s on few weights.

    mu and sigma are mean and (population) deviation of the updates seen, coordinate by coordinate. On the weights to
    which the model is most sensitive s is `scale`, elsewhere it is `z`; which these are is settled when the attack
    answers for the first time. A few huge deviations among them would give the attack away, so on those weights sigma
    is cut at Q3 + 1.5 (Q3 - Q1) of its quartiles there.

    Sensitivity is |w mu|, how much the loss changes, to first order, if a weight is set to zero, since an update goes
    along the gradient; weights that start at zero are told apart by |mu| alone.

    Attributes
    ----------
    knowledge : whose updates are seen: the honest clients' (`full`) or the attack's own clients' (`partial`).
    density : the share of weights with the large factor, at least one of them.
    scale : their factor.
    z : the factor of the others.

    Source: reconstructed from the code of Ozfatura, Gunduz and others, on hybrid sparse Byzantine attacks; the defaults
    and the measure of sensitivity, which is that of SNIP (Lee, Ajanthan and Torr, ICLR 2019), are our choice.
    """

    kind: Literal["sparse"] = "sparse"
    knowledge: Knowledge = "full"
    density: Fraction = 0.01
    scale: Positive = 10.0
    z: Positive = 0.5

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(knowledge="partial", density=0.5))

    @property
    def sees(self) -> Knowledge:
        return self.knowledge

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send, all equal.

        Raises
        ------
        InvalidConfig
            If `knowledge` is `full` and the view hides the honest updates.
        """
        if len(view.own) == 0:
            return view.own
        mean, deviation = mean_and_deviation(view.seen(self.knowledge))
        mask = self._mask(view)
        pushed = self.scale * deviation.clamp(max=_fence(deviation[mask]))
        row = mean - torch.where(mask, pushed, self.z * deviation)
        return sendable(row, view.own).repeat(len(view.own), 1)

    def remember(self, view: View, rows: Updates) -> Any:
        """Which weights are pushed far."""
        return self._mask(view) if len(view.own) else view.state

    def _mask(self, view: View) -> Tensor:
        if view.state is not None:
            return view.state  # type: ignore[no-any-return]
        mean = view.seen(self.knowledge).double().mean(dim=0)
        weights = view.origin.double() if bool(view.origin.any()) else torch.ones_like(mean)
        many = max(1, round(self.density * len(mean)))
        mask = torch.zeros_like(mean, dtype=torch.bool)
        mask[(weights * mean).abs().argsort(descending=True, stable=True)[:many]] = True
        return mask


def _fence(values: Vector) -> float:
    """Q3 + 1.5 (Q3 - Q1).

    >>> _fence(torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0]))
    6.0
    """
    # torch's quantile takes no more than 2^24 values.
    low, high = np.quantile(values.double().cpu().numpy(), (0.25, 0.75)).tolist()
    return float(high + 1.5 * (high - low))
