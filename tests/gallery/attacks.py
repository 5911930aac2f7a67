"""Attacks: correct ones, and what went wrong elsewhere."""

import math
from typing import ClassVar, Literal

import torch

from fedprop.attacks import Attack, View
from fedprop.types import Updates


class LittleIsEnough(Attack):
    """Baruch et al., NeurIPS 2019, Algorithm 3, estimated from the compromised clients alone."""

    kind: Literal["little_is_enough"] = "little_is_enough"
    z: float = 0.3

    def craft(self, view: View) -> Updates:
        own = view.own.double()
        deviation = own.std(dim=0, correction=0)
        return (own.mean(dim=0) - self.z * deviation).expand(own.shape).to(view.own.dtype)


class Peeks(Attack):
    """Mean and deviation are computed over everybody's updates before partial knowledge drops the others."""

    kind: Literal["peeks"] = "peeks"
    z: float = 0.3

    def craft(self, view: View) -> Updates:
        everyone = view.own if view.benign is None else torch.cat([view.own, view.benign])
        deviation = everyone.double().std(dim=0, correction=0)
        return (everyone.double().mean(dim=0) - self.z * deviation).expand(view.own.shape).to(view.own.dtype)


class SampleDeviation(Attack):
    """The deviation divides by n - 1, which is 0/0 when one client is compromised."""

    kind: Literal["sample_deviation"] = "sample_deviation"
    z: float = 0.3

    def craft(self, view: View) -> Updates:
        own = view.own.double()
        deviation = (own - own.mean(dim=0)).square().sum(dim=0) / torch.tensor(len(own) - 1.0)
        return (own.mean(dim=0) - self.z * deviation.sqrt()).expand(own.shape).to(view.own.dtype)


class ConfiguredCount(Attack):
    """It answers for as many clients as the configuration says, not for those that take part."""

    kind: Literal["configured_count"] = "configured_count"
    z: float = 0.3
    compromised: ClassVar[int] = 2

    def craft(self, view: View) -> Updates:
        own = view.own.double()
        deviation = own.std(dim=0, correction=0)
        return (own.mean(dim=0) - self.z * deviation).expand(self.compromised, -1).to(view.own.dtype)


class Infinity(Attack):
    """It sends infinities in float64, whatever the server's dtype."""

    kind: Literal["infinity"] = "infinity"

    def craft(self, view: View) -> Updates:
        return torch.full_like(view.own, math.inf, dtype=torch.float64)


class Reversed(Attack):
    """Every compromised client sends its own update reversed."""

    kind: Literal["reversed"] = "reversed"

    def craft(self, view: View) -> Updates:
        return -view.own


class ReversedInPlace(Attack):
    """The clients' honest updates are overwritten."""

    kind: Literal["reversed_in_place"] = "reversed_in_place"

    def craft(self, view: View) -> Updates:
        return view.own.neg_()


class Noise(Attack):
    """Gaussian noise from the view's generator."""

    kind: Literal["noise"] = "noise"

    def craft(self, view: View) -> Updates:
        return torch.randn(view.own.shape, generator=view.generator, dtype=torch.float64).to(view.own)


class GlobalNoise(Attack):
    """The noise comes from torch's global generator, so that no run can be repeated."""

    kind: Literal["global_noise"] = "global_noise"

    def craft(self, view: View) -> Updates:
        return torch.randn_like(view.own)
