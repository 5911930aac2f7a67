"""Fang's attack on Krum: make it select a row far on the wrong side of the global model."""

import math
from typing import ClassVar, Literal

import torch

from fedprop.attacks.base import Constraint
from fedprop.attacks.constraints import near_first
from fedprop.attacks.fang import FangAttack
from fedprop.attacks.krum_lambda import first_lambda, krum_is_defined, solve_lambda
from fedprop.attacks.rows import directions, sendable
from fedprop.attacks.sampling import ball
from fedprop.attacks.view import View
from fedprop.types import NonNegative, Positive, Updates, Vector


class FangKrum(FangAttack):
    """The Krum attack: c rows around -lambda * s, with lambda as large as Krum lets pass.

    The first row is -lambda * s itself, in models w_Re - lambda * s; the other c - 1 are uniform in the ball of radius
    `epsilon` around it. s holds the directions in which the parameters would change without attack; under the
    `deviation` goal it is all ones.

    - Full knowledge: s comes from everybody's honest rows (see `direction`), lambda from the search over the benign
      rows with c crafted ones (equation 2).
    - Partial knowledge: s comes from the mean of the compromised clients' honest rows. These rows also stand in for the
      benign ones: lambda comes from the search over them with k = 1 crafted row, then 2, and so on until there is an
      answer (equation 4). The paper leaves open which f Krum has there; here f = k, all crafted rows and no others,
      so Theorem 1 bounds the search with k crafted among c + k rows. Krum is defined up to k = c - 3.
    - No answer: the paper is silent. Then lambda is the root mean square of the mean honest update the attack owns, so
      -lambda * s is as long as that update. This covers partial knowledge with c <= 3 and any cohort too small for
      Krum, n < 2c + 3; there s comes from the mean of the own rows under full knowledge as well.

    Attributes
    ----------
    epsilon : radius, in parameter units, of the ball that holds the supporting rows.
    threshold : the search for lambda ends below it.

    Source: Fang et al. (2020), section 3.2 and appendix B.
    """

    kind: Literal["fang_krum"] = "fang_krum"
    assumes: ClassVar[str | None] = "krum"
    epsilon: NonNegative = 0.01
    threshold: Positive = 1e-5

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send.

        Raises
        ------
        InvalidConfig
            If `knowledge` is `full` and the view hides the honest updates.
        """
        own = view.own
        if len(own) == 0:
            return own
        direction = self._direction(view)
        lambda_ = self._lambda(view, direction)
        if lambda_ is None:
            lambda_ = _root_mean_square(own.double().mean(dim=0))
        first = -lambda_ * direction.double()
        supporters = ball(first, self.epsilon, len(own) - 1, view.generator)
        return sendable(torch.cat([first[None], supporters]), own)

    def constraints(self) -> tuple[Constraint, ...]:
        """The supporters stay within `epsilon` of the first row."""
        return (near_first(self.epsilon, source="Fang et al. (2020), section 3.2"),)

    def _direction(self, view: View) -> Vector:
        """s, one sign per parameter, in the dtype of the updates."""
        own = view.own
        if self.goal == "deviation":
            return torch.ones_like(own[0])
        if self.knowledge == "full" and krum_is_defined(len(view.others) + len(own), len(own)):
            return directions(self.before_attack(view, len(own)))
        return directions(own.double().mean(dim=0)).to(own.dtype)

    def _lambda(self, view: View, direction: Vector) -> float | None:
        if self.knowledge == "full":
            return solve_lambda(view.others, len(view.own), direction, view.assumed, threshold=self.threshold)
        counts = range(1, len(view.own) + 1)
        return first_lambda(view.own, counts, direction, view.assumed, threshold=self.threshold)


def _root_mean_square(vector: Vector) -> float:
    return float(torch.linalg.vector_norm(vector)) / math.sqrt(len(vector))
