"""A backdoor trained within a bound on how far an update may reach."""

import math
from typing import Literal, Self, TypeAlias

from fedprop.attacks.backdoors import AnyBackdoor, EdgeCase
from fedprop.attacks.base import Constraint
from fedprop.attacks.constraints import within_length
from fedprop.attacks.own_training import BoostedBackdoor
from fedprop.attacks.training import onto_ball, onto_box
from fedprop.attacks.view import View
from fedprop.types import Positive, Updates, Vector

Norm: TypeAlias = Literal["euclidean", "largest"]

BOUNDS = {"euclidean": (onto_ball, 2.0), "largest": (onto_box, math.inf)}
"""By norm what keeps a model within its bound, and the order of the norm."""


class ProjectedBackdoor(BoostedBackdoor):
    """The backdoor attack by projected gradient descent: a model that stays near the one received all the time.

    Each compromised client trains on its own examples with the backdoor in them, and after each step goes back to the
    nearest model within `radius` of the received one. What it has learnt it sends, times `boost`.

    The paper projects after every tenth batch and after the last one; here it is after every batch.

    Attributes
    ----------
    radius : epsilon, how far the trained model may be from the received one.
    norm : how that is measured: by the Euclidean length, or by the largest change of a weight.
    boost : what the update is multiplied by; None for n / m, of n updates averaged of which m come from the attack
        ("PGD with replacement").

    Source: Wang et al., "Attack of the Tails: Yes, You Really Can Backdoor Federated Learning", NeurIPS 2020, section
    3 (PGD attack, and PGD attack with model replacement); the box as in the authors' code.
    """

    kind: Literal["projected_backdoor"] = "projected_backdoor"
    backdoor: AnyBackdoor = EdgeCase()
    radius: Positive = 1.0
    norm: Norm = "euclidean"
    boost: Positive | None = 1.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(epochs=1, norm="largest", radius=0.1, batch_size=4), cls(epochs=1, boost=None), cls(epochs=2))

    def constraints(self) -> tuple[Constraint, ...]:
        """No update reaches farther than the bound, times the boost."""
        order = BOUNDS[self.norm][1]
        source = "Wang et al., NeurIPS 2020, section 3"
        return (within_length(lambda view: self.radius * self._boost(view), order=order, source=source),)

    def scale(self, view: View, changes: Updates) -> float:
        return self._boost(view)

    def _boost(self, view: View) -> float:
        return self.boost or view.boost

    def model(self, view: View, row: int) -> Vector:
        bound = BOUNDS[self.norm][0](view.origin, self.radius)
        return self.learnt(view, *self.planted(view, row), project=bound)
