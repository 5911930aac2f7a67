"""Copies of one update, with noise that hides it."""

from typing import Literal, Self

import torch
from pydantic import FiniteFloat

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.sampling import normal
from fedprop.attacks.view import View
from fedprop.types import NonNegative, Updates


class Sybils(Attack):
    """Sybils with noise: all compromised clients send one row, each with a little noise of its own on it.

    The row is `factor` times the mean of their honest updates. Noise is added to the first of each pair of them and
    subtracted from the second, as Fung et al. have their adaptive sybils do, and one who is left over adds none: so the
    rows differ, but their mean is the row itself.

    Attributes
    ----------
    factor : what the mean is multiplied by; below zero, it is turned round.
    noise : about how long the noise is beside the row. With 0 all rows are equal.

    Source: Fung, Yoon and Beschastnikh, "The Limitations of Federated Learning in Sybil Settings", RAID 2020, section
    on adaptive attacks, reconstructed.

    Example: two clients with honest updates (1, 2) and (3, 0), `factor=-1` and `noise=0` both send (-2, -1).
    """

    kind: Literal["sybils"] = "sybils"
    factor: FiniteFloat = -1.0
    noise: NonNegative = 0.1

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(),)

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        own = view.own
        if len(own) == 0:
            return own
        row = self.factor * own.double().mean(dim=0)
        pairs = len(own) // 2
        drawn = normal((pairs, len(row)), own, view.generator) * (self.noise * row.norm() / len(row) ** 0.5)
        noise = torch.stack([drawn, -drawn], dim=1).flatten(0, 1)
        return sendable(row + torch.cat([noise, noise.new_zeros(len(own) - 2 * pairs, len(row))]), own)
