"""A little is enough: as far from the mean as so many honest clients are anyway."""

from collections.abc import Callable
from statistics import NormalDist
from typing import Literal, Self

from fedprop.attacks.base import Attack, Constraint
from fedprop.attacks.constraints import seen_rows, within_deviations
from fedprop.attacks.rows import mean_and_deviation, sendable
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Positive, Updates

WIDEST = 4.0
"""Deviations where more than half attack and the formula has no end: 63 in a million normal values lie beyond."""


class ALIE(Attack):
    """A Little Is Enough: every compromised client sends mu - z sigma, coordinate by coordinate.

    mu and sigma are mean and (population) deviation of the honest updates seen. With n clients of whom m are
    compromised, s = floor(n / 2 + 1) - m honest supporters make a majority, and z is the largest number of deviations
    beyond which s honest values can still be expected, so that a robust rule prefers what lies nearer to the mean:

        z_max = sup {z : Phi(z) < (n - m - s) / (n - m)},

    Phi's inverse at that fraction, and not Phi itself. n is the number of updates that the server averages and m that
    of the attack's clients among them. The fraction falls below one half for few attackers, and z_max below zero: then
    the formula is followed all the same: of an even number of clients two attackers have z = 0, and send their honest
    mean. It is 0 for n <= 2, where z is taken as 0, and reaches 1 once more than half attack, where z is `WIDEST`.

    Attributes
    ----------
    knowledge : whose updates mu and sigma come from: the compromised clients' (`partial`, as the paper has it) or the
        honest ones' (`full`, as many later papers have it).
    z : the number of deviations; None for z_max. The paper's code has 1.5.

    Source: Baruch, Baruch and Goldberg, "A Little Is Enough: Circumventing Defenses For Distributed Learning", NeurIPS
    2019, Algorithm 3 and equation 1.
    """

    kind: Literal["alie"] = "alie"
    knowledge: Knowledge = "partial"
    z: Positive | None = None

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(knowledge="full", z=1.5))

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
        row = sendable(mean - self.deviations(view) * deviation, view.own)
        return row.repeat(len(view.own), 1)

    def deviations(self, view: View) -> float:
        """z, for the clients of a view."""
        return z_max(view.received, view.attackers) if self.z is None else self.z

    def constraints(self) -> tuple[Constraint, ...]:
        """Every coordinate is within |z| deviations of the mean of the rows seen."""
        return (_within(self.deviations),)


def z_max(n: int, m: int) -> float:
    """The number of deviations for m attackers among n clients; see `ALIE`.

    50 clients, of whom 24 attack, need 2 of 26 supporters.

    >>> round(z_max(50, 24), 3)
    1.426
    """
    if n <= 2:
        return 0.0
    fraction = (n - m - (n // 2 + 1 - m)) / (n - m) if m < n else 1.0
    return NormalDist().inv_cdf(fraction) if fraction < 1 else WIDEST


def _within(deviations: Callable[[View], float]) -> Constraint:
    """`within_deviations` for a z that depends on the view."""

    def broken(view: View, crafted: Updates) -> str | None:
        return within_deviations(abs(deviations(view))).broken(view, crafted) if len(seen_rows(view)) else None

    statement = "Each crafted coordinate is within z standard deviations of the honest mean."
    return Constraint("within deviations", statement, "Baruch et al., NeurIPS 2019, Algorithm 3", broken)
