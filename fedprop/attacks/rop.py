"""Relocated, orthogonal perturbation: a push across the direction in which a rule with momentum looks."""

import math
from typing import Annotated, Literal, Self

import torch
from pydantic import Field
from torch.nn.functional import normalize

from fedprop.attacks.base import Attack, Constraint
from fedprop.attacks.rows import sendable
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Fraction, Positive, Updates, Vector


class ROP(Attack):
    """Relocated orthogonal perturbation, made against centered clipping, which clips around its last momentum.

    All compromised clients send pi m + (1 - pi) mu + z q. mu is the mean of the honest updates that are seen, m the
    last change of the global model that they received (zero as long as there is none, and then u is that of mu),
    which stands for the server's momentum. q has length one: with u the direction of lambda m + (1 - lambda) mu and
    p what is left of the vector of ones without its part along u, at length one, q = sin(theta) p + cos(theta) u.
    At 90 degrees the push is orthogonal, so that no update's length or angle to u tells of it; beyond, it also
    turns back.

    Attributes
    ----------
    knowledge : whose updates mu is of: the honest clients' (`full`) or the attack's own clients' (`partial`).
    lambda_ : the share of m in the reference u.
    pi : the share of m in the place to which the push is relocated.
    theta : the angle between push and reference, in degrees.
    z : the length of the push.

    Source: reconstructed from the code of Ozfatura, Ozfatura, Kupcu and Gunduz, "Byzantines can also Learn from
    History: Fall of Centered Clipping in Federated Learning" (2022); the defaults of lambda, pi and z are not
    theirs.
    """

    kind: Literal["rop"] = "rop"
    knowledge: Knowledge = "full"
    lambda_: Fraction = 0.9
    pi: Fraction = 0.5
    theta: Annotated[float, Field(ge=0.0, le=180.0)] = 90.0
    z: Positive = 1.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(knowledge="partial", pi=0.2, lambda_=0.5, theta=120.0))

    @property
    def sees(self) -> Knowledge:
        return self.knowledge

    @property
    def looks_back(self) -> int:
        return 1

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send, all equal.

        Raises
        ------
        InvalidConfig
            If `knowledge` is `full` and the view hides the honest updates.
        """
        if len(view.own) == 0:
            return view.own
        place, push = self._place(view), self._push(view)
        return sendable(place + self.z * push, view.own).repeat(len(view.own), 1)

    def constraints(self) -> tuple[Constraint, ...]:
        """The push is no longer than z."""

        def broken(view: View, crafted: Updates) -> str | None:
            place = self._place(view)
            reach = float((crafted.double() - place).norm(dim=1).max())
            sizes = torch.stack([place.abs().max(), crafted.double().abs().max()])
            room = 4 * torch.finfo(crafted.dtype).eps * float(sizes.max()) * len(place) ** 0.5
            return None if reach <= self.z * (1 + 1e-6) + room else f"a push is {reach:.7g} long, beyond {self.z:g}"

        statement = "Each crafted row is at most z away from pi m + (1 - pi) mu."
        return (Constraint("within the push", statement, "Ozfatura et al. (2022)", broken),)

    def _means(self, view: View) -> tuple[Vector, Vector]:
        """M and mu."""
        before = view.past[-1] if len(view.past) else view.origin
        return view.origin.double() - before.double(), view.seen(self.knowledge).double().mean(dim=0)

    def _place(self, view: View) -> Vector:
        change, mean = self._means(view)
        return self.pi * change + (1 - self.pi) * mean

    def _push(self, view: View) -> Vector:
        """Q; along the ones alone where there is no reference."""
        change, mean = self._means(view)
        mixed = self.lambda_ * change + (1 - self.lambda_) * mean if len(view.past) else mean
        u = _unit(mixed)
        ones = torch.ones_like(u)
        across = _unit(ones - (ones @ u) * u) if len(u) > 1 else 0 * u
        angle = math.radians(self.theta)
        return math.sin(angle) * across + math.cos(angle) * u


def _unit(vector: Vector) -> Vector:
    return normalize(vector, dim=0, eps=torch.finfo(vector.dtype).tiny)
