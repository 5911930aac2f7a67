"""Attacks that keep within limits of their own: correct ones, and ones that break their own limits."""

from statistics import NormalDist
from typing import Literal

from torch import Tensor

from fedprop.attacks import Attack, Knowledge, View
from fedprop.attacks.base import Constraint
from fedprop.attacks.constraints import within_benign_diameter, within_benign_scatter, within_deviations
from fedprop.types import Updates


class _Omniscient(Attack):
    """What the attacks below share: they know all benign updates, and push their mean against their deviation."""

    @property
    def sees(self) -> Knowledge:
        return "full"

    def pushed(self, view: View, strength: float) -> Updates:
        """The same row for each compromised client."""
        benign = view.others.double()
        row = benign.mean(dim=0) - strength * benign.std(dim=0, correction=0)
        return row.expand(view.own.shape).to(view.own.dtype)


def _reach(view: View, crafted: Updates) -> tuple[Tensor, Tensor]:
    """Squared distances [b] from the crafted row to the benign ones, and [b, b] between those."""
    benign = view.others.double()
    return (benign - crafted[0].double()).square().sum(dim=1), (benign[:, None] - benign).square().sum(dim=2)


def _near(view: View, crafted: Updates) -> bool:
    """Whether Min-Max allows it."""
    own, benign = _reach(view, crafted)
    return bool(own.max() <= benign.max())


def _central(view: View, crafted: Updates) -> bool:
    """Whether Min-Sum allows it."""
    own, benign = _reach(view, crafted)
    return bool(own.sum() <= benign.sum(dim=1).max())


def max_z(n: int, f: int) -> float:
    """Baruch et al., NeurIPS 2019, Algorithm 3: with s supporters the push that n - f - s of n - f exceed."""
    supporters = n // 2 + 1 - f
    return NormalDist().inv_cdf(min(max((n - f - supporters) / (n - f), 0.01), 0.99))


class LittleIsEnough(_Omniscient):
    """Baruch et al., NeurIPS 2019, Algorithm 3."""

    kind: Literal["gallery_little_is_enough"] = "gallery_little_is_enough"

    def craft(self, view: View) -> Updates:
        return self.pushed(view, max_z(len(view.everyone), len(view.own)))

    def constraints(self) -> tuple[Constraint, ...]:
        return (within_deviations(max_z),)


class CdfForItsInverse(_Omniscient):
    """The strength is the normal distribution's cdf where its inverse is meant."""

    kind: Literal["gallery_cdf"] = "gallery_cdf"

    def craft(self, view: View) -> Updates:
        n, f = len(view.everyone), len(view.own)
        return self.pushed(view, NormalDist().cdf((n - f - (n // 2 + 1 - f)) / (n - f)))

    def constraints(self) -> tuple[Constraint, ...]:
        return (within_deviations(max_z),)


class MinMax(_Omniscient):
    """Shejwalkar and Houmansadr, NDSS 2021: as far as is allowed, by bisection; the last strength that was allowed."""

    kind: Literal["gallery_min_max"] = "gallery_min_max"

    def craft(self, view: View) -> Updates:
        low, high = 0.0, 5.0
        while high - low > 0.01:
            middle = (low + high) / 2
            low, high = (middle, high) if _near(view, self.pushed(view, middle)) else (low, middle)
        return self.pushed(view, low)

    def constraints(self) -> tuple[Constraint, ...]:
        return (within_benign_diameter(),)


class MinMaxLastTried(_Omniscient):
    """The answer is the last strength that was tried, allowed or not."""

    kind: Literal["gallery_min_max_last_tried"] = "gallery_min_max_last_tried"

    def craft(self, view: View) -> Updates:
        low, high, middle = 0.0, 5.0, 0.0
        while high - low > 0.01:
            middle = (low + high) / 2
            low, high = (middle, high) if _near(view, self.pushed(view, middle)) else (low, middle)
        return self.pushed(view, middle)

    def constraints(self) -> tuple[Constraint, ...]:
        return (within_benign_diameter(),)


class MinMaxNeverTried(_Omniscient):
    """The best strength so far starts at one that was never tried, and stays that if none is allowed."""

    kind: Literal["gallery_min_max_never_tried"] = "gallery_min_max_never_tried"

    def craft(self, view: View) -> Updates:
        strength, step, best = 5.0, 2.5, 6.0
        while step > 0.01:
            if _near(view, self.pushed(view, strength)):
                best, strength = strength, strength + step / 2
            else:
                strength -= step / 2
            step /= 2
        return self.pushed(view, best)

    def constraints(self) -> tuple[Constraint, ...]:
        return (within_benign_diameter(),)


class MinSum(_Omniscient):
    """Shejwalkar and Houmansadr, NDSS 2021: as Min-Max, with a limit on the sum of squared distances."""

    kind: Literal["gallery_min_sum"] = "gallery_min_sum"

    def craft(self, view: View) -> Updates:
        low, high = 0.0, 5.0
        while high - low > 0.01:
            middle = (low + high) / 2
            low, high = (middle, high) if _central(view, self.pushed(view, middle)) else (low, middle)
        return self.pushed(view, low)

    def constraints(self) -> tuple[Constraint, ...]:
        return (within_benign_scatter(),)


class MinSumLastTried(_Omniscient):
    """The strength moves after each trial, and where it ends was never tried."""

    kind: Literal["gallery_min_sum_last_tried"] = "gallery_min_sum_last_tried"

    def craft(self, view: View) -> Updates:
        strength, step = 5.0, 2.5
        while step > 0.01:
            strength += step if _central(view, self.pushed(view, strength)) else -step
            step /= 2
        return self.pushed(view, strength)

    def constraints(self) -> tuple[Constraint, ...]:
        return (within_benign_scatter(),)
