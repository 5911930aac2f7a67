"""Fake clients that push the global model the same way in every round, as strongly as it still moves."""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, Literal, Self

import torch
from pydantic import PositiveInt
from torch.nn.functional import normalize

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import updates_to
from fedprop.attacks.sampling import afresh, uniform
from fedprop.attacks.view import View
from fedprop.types import Fraction, Positive, Updates, Vector

SURE = 0.99
"""How sure a test must be that the model moved the attack's way: the quantile of the number of weights that would by
chance, which is binomial with one half and, for as many weights as models have, normal."""


class PoisonedFL(Attack):
    """PoisonedFL: consistent over rounds, and strong enough for its effect to add up, without any client's data.

    Signs s are drawn once. With g the last change of the global model and k what was sent for that, all compromised
    clients send lambda v * s, entry by entry: v is the absolute value of g - k |g| / |k| in each weight, at length one,
    that is, as large as honest clients seem to move it, and lambda is c |g|. As long as only one model has been
    received they send zeros.

    Every `every` rounds that it answers, the attack looks whether it gets through: if fewer weights have moved along s
    since then than the 99 % quantile of what chance would do, c becomes 0.7 c, unless that is below 0.5. A weight that
    has not moved counts as none that has; the authors' code counts the sign of the weight itself.

    Attributes
    ----------
    factor : c at first.
    decay : what c is multiplied by where the model did not follow.
    least : no smaller c is taken; where the next one would be, c stays.
    every : the number of rounds from one look to the next.

    Source: reconstructed from the authors' code to Xie, Fang and Gong, "Model Poisoning Attacks to Federated Learning
    via Multi-Round Consistency", CVPR 2025.
    """

    kind: Literal["poisoned_fl"] = "poisoned_fl"
    factor: Positive = 8.0
    decay: Fraction = 0.7
    least: Positive = 0.5
    every: PositiveInt = 50

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(every=2))

    @property
    def looks_back(self) -> int:
        return 1

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send, all equal."""
        now = view.origin.double()
        return updates_to(now + self._sent(view), view)

    def remember(self, view: View, rows: Updates) -> Any:
        """Signs, c, what is sent, the model at the last look and how many rounds ago that was."""
        known = self._known(view)
        return {**known, "sent": self._sent(view), "rounds": known["rounds"] + 1}

    def _sent(self, view: View) -> Vector:
        known = self._known(view)
        if not len(view.past):
            return torch.zeros_like(known["signs"])
        change = view.origin.double() - view.past[-1].double()
        size = _unit((change - _unit(known["sent"]) * change.norm()).abs())
        sent: Vector = known["factor"] * change.norm() * size * known["signs"]
        return sent

    def _known(self, view: View) -> Mapping[str, Any]:
        """What is remembered, with a new c where it is time to look."""
        now = view.origin.double()
        if view.state is None:
            signs = 2 * (uniform(tuple(now.shape), now, afresh(view.generator)) < 0.5).to(now) - 1
            return {
                "signs": signs,
                "factor": self.factor,
                "sent": torch.zeros_like(now),
                "since": now.clone(),
                "rounds": 0,
            }
        known: dict[str, Any] = view.state
        if known["rounds"] < self.every:
            return known
        moved = int(((now - known["since"]) * known["signs"] > 0).sum())
        weaker = self.decay * known["factor"]
        stays = moved >= by_chance(len(now)) or weaker < self.least
        return {**known, "factor": known["factor"] if stays else weaker, "since": now.clone(), "rounds": 0}


def by_chance(weights: int) -> float:
    """The 99 % quantile of how many of so many weights move one way by chance.

    >>> round(by_chance(10_000))
    5116
    """
    return NormalDist(weights / 2, weights**0.5 / 2).inv_cdf(SURE)


def _unit(vector: Vector) -> Vector:
    return normalize(vector, dim=0, eps=torch.finfo(vector.dtype).tiny)
