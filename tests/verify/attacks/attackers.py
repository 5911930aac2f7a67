"""Attacks that each get one thing wrong, and some that are correct."""

import random
from collections import namedtuple
from typing import Literal

import numpy as np
import torch

from fedprop.attacks import Attack
from fedprop.attacks.constraints import within_benign_diameter
from fedprop.errors import InvalidUpdates


class Crafted(Attack):
    kind: Literal["crafted"] = "crafted"


class Full(Crafted):
    @property
    def sees(self):
        return "full"


class MinMax(Full):
    """Moves from the benign mean against it, as far as the limit allows."""

    knowledge: Literal["full"] = "full"
    halvings: int = 40

    def constraints(self):
        return (within_benign_diameter(),)

    def craft(self, view):
        benign = view.others.double()
        mean, limit = benign.mean(dim=0), torch.cdist(benign, benign).max()
        away, low, high = -torch.ones_like(mean), 0.0, 64.0 * (1.0 + float(limit))
        for _ in range(self.halvings):
            middle = (low + high) / 2
            fits = (mean + middle * away - benign).norm(dim=1).max() <= limit
            low, high = (middle, high) if fits else (low, middle)
        return (mean + self.last(low, high) * away).expand(view.own.shape).to(view.own.dtype)

    def last(self, low, high):
        return low


class OneStepTooFar(MinMax):
    def last(self, low, high):
        return 1.1 * high


class AsksAboutOthers(Crafted):
    def craft(self, view):
        rows = view.own if view.benign is None else torch.cat([view.own, view.benign])
        view.assumed(rows, 0)
        return -view.own


class NeedsOthers(Crafted):
    def craft(self, view):
        return -view.own + 0 * view.others.mean(dim=0)


class NumpyNoise(Crafted):
    def craft(self, view):
        return view.own + torch.from_numpy(np.random.randn(*view.own.shape)).to(view.own)


class PythonNoise(Crafted):
    def craft(self, view):
        return view.own + random.random()


class StirsTorch(Crafted):
    def craft(self, view):
        torch.rand(())
        return -view.own


class Remembers(Crafted):
    def craft(self, view):
        seen.append(len(seen))
        return view.own + len(seen)


seen: list[int] = []


class SpoilsTheModel(Crafted):
    def craft(self, view):
        view.origin.zero_()
        return -view.own


class NewModelsOnly(Crafted):
    def craft(self, view):
        if view.origin.any():
            raise RuntimeError("the model must be new")
        return -view.own


class NarrowModelsOnly(Crafted):
    def craft(self, view):
        return -view.own[:, :100]


class FewClientsOnly(Crafted):
    def craft(self, view):
        return -view.own[:10]


class BelievesInTheMean(Crafted):
    """The server's rule is asked, and taken for the mean."""

    def craft(self, view):
        aggregate, _ = view.assumed(view.own, 0)
        if not torch.allclose(aggregate, view.own.mean(dim=0)):
            raise RuntimeError("no mean")
        return -view.own


class ToolsUndeclared(Crafted):
    """Only an attack that declares that it trains has a workshop."""

    def craft(self, view):
        return view.own - view.tools.wanted_gradient(view.origin).to(view.own)


class ClaimsAsManyAsOthers(Crafted):
    """What it hides in its claims is as hidden as what it hides in its rows."""

    def claim(self, view):
        return [1 + (0 if view.benign is None else len(view.benign))] * len(view.own)


class WaitsForOthers(Crafted):
    def delay(self, view):
        return [0.0 if view.benign is None else 1.0] * len(view.own)


class ClaimsNothing(Crafted):
    def claim(self, view):
        return [0] * len(view.own)


class AnswersBeforeItIsAsked(Crafted):
    def delay(self, view):
        return [-1.0] * len(view.own)


class ClaimsForOne(Crafted):
    def claim(self, view):
        return view.examples[:1]


class RemembersAnObject(Crafted):
    def craft(self, view):
        return -view.own

    def remember(self, view, rows):
        return {1, 2}


class TellsCheckpointsApart(Crafted):
    """A tuple with names is a plain one after a checkpoint."""

    def craft(self, view):
        return -view.own if view.state is None or hasattr(view.state, "_fields") else view.own

    def remember(self, view, rows):
        return namedtuple("Kept", "times")(1)


class SpoilsThePast(Crafted):
    @property
    def looks_back(self):
        return 2

    def craft(self, view):
        view.past.add_(1)
        return -view.own


class LooksAway(Crafted):
    """What it must not see, it does not want to see."""

    def craft(self, view):
        if view.benign is not None:
            raise RuntimeError("this is not for me")
        return -view.own


class FirstOnly(Full):
    def craft(self, view):
        return view.others[:1].expand(view.own.shape)


class CrashesAlone(Crafted):
    def craft(self, view):
        return -view.own[1].expand(view.own.shape)


class AnswersAList(Crafted):
    def craft(self, view):
        return view.own.tolist()


class EndsPython(Crafted):
    def craft(self, view):
        raise SystemExit(0)


class Infinite(Crafted):
    def craft(self, view):
        return view.own + float("inf")


class Declines(Crafted):
    def craft(self, view):
        raise InvalidUpdates("never")


class Strict(Crafted):
    z: float

    def craft(self, view):
        return -self.z * view.own
