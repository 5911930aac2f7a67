"""Crafted rows put before the rule that an attack assumes, before any is sent."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fedprop.attacks.rows import sendable
from fedprop.attacks.view import Assumed, Knowledge, View
from fedprop.errors import InvalidUpdates
from fedprop.types import Updates


@dataclass(frozen=True)
class Trials:
    """What a rule makes of honest rows among which are copies of a crafted one.

    Attributes
    ----------
    rule : the rule that is assumed.
    honest : the honest rows [b, d] that the attack knows.
    copies : how many crafted rows stand before them: copies of one row [d], or as many rows [copies, d]. The rule is
        told to tolerate as many.
    """

    rule: Assumed
    honest: Updates
    copies: int

    @classmethod
    def of(cls, view: View, knowledge: Knowledge) -> "Trials":
        """With all m crafted rows if the honest ones are seen.

        Where own rows stand in for them there are max(1, m^2 // n) crafted rows for n that the server averages, of
        which m come from the attack, so that their share is about as large as in the server's cohort, as in the code of
        Shejwalkar and Houmansadr (2021).
        """
        rows, m = view.seen(knowledge), len(view.own)
        there = max(1, m * view.attackers // view.received)
        return cls(view.assumed, rows, m if rows is not view.own else min(m, there))

    def deviation(self, crafted: Tensor) -> float | None:
        """How far from the honest mean the rule's answer is; None if it refuses such rows."""
        found = self._ask(crafted)
        return None if found is None else float((found[0].double() - self.honest.double().mean(dim=0)).norm())

    def selected(self, crafted: Tensor) -> bool | None:
        """Whether each crafted row has weight, or some have and no other row; None if the rule refuses such rows."""
        found = self._ask(crafted)
        if found is None:
            return None
        used = (found[1] != 0).tensor_split([self.copies])
        return bool(used[0].all() or (used[0].any() and not used[1].any()))

    def _ask(self, crafted: Tensor) -> tuple[Tensor, Tensor] | None:
        rows = torch.cat([sendable(crafted, self.honest).expand(self.copies, -1), self.honest])
        try:
            return self.rule(rows, self.copies)
        except InvalidUpdates:
            return None


def highest(measure: Callable[[float], float | None], *, step: float, shrink: float, trials: int) -> float | None:
    """Where, from 0 on, a measure is highest among the points that a line search tries; None if it can't be measured.

    It moves by `step`, which doubles as long as the measure rises, and then by steps each `shrink` times the last,
    away from the best point or towards it by turns, never below 0. A point where the measure cannot be taken is no
    best one.
    """
    found = measure(0.0)
    if found is None:
        return None
    best, top, rising, side = 0.0, found, True, -1.0
    for _ in range(trials - 1):
        point = best + step if rising else max(0.0, best + side * step)
        value = measure(point)
        if value is not None and value > top:
            best, top = point, value
            step *= 2 if rising else shrink
        else:
            rising, side, step = False, -side, step * shrink
    return best
