"""Definition of PoisonedFL, and how it is misread.

Source: reconstructed from the authors' code to Xie, Fang and Gong, CVPR 2025.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import torch

from fedprop.oracles.vectors import Row, direction


def poisoned_fl(
    rounds: Sequence[Mapping[str, Any]],
    factor: float,
    decay: float,
    least: float,
    every: int,
    generator: torch.Generator,
    *,
    within: Callable[[Row, Row], list[float]] | None = None,
    anew: bool = False,
) -> list[list[float]]:
    """What each client sends in the last of these rounds: lambda v s in each weight, and its own buffers.

    s are signs, drawn once: + where a uniform draw is below one half. v is the absolute value of g - k |g| / |k| in
    each weight, at length 1, with g the last change of the global model and k what was sent last, and lambda = c |g|.
    Every so many rounds c falls, unless it would be less than `least`, if fewer weights have moved along s since then
    than the 99 % quantile of the number that would by chance.
    """
    signs = _signs(len(rounds[0]["origin"]), generator)
    sent, since, looked = [0.0] * len(signs), list(rounds[0]["origin"]), 0
    for seen in rounds:
        now, past = seen["origin"], seen["past"]
        if looked == every:
            moved = sum((a - b) * s > 0 for a, b, s in zip(now, since, signs, strict=True))
            factor = factor if moved >= _by_chance(len(now)) or decay * factor < least else decay * factor
            since, looked = list(now), 0
        signs = _signs(len(now), generator) if anew else signs
        change = [a - b for a, b in zip(now, past[-1], strict=True)] if past else [0.0] * len(now)
        v = direction([abs(x) for x in (within or _without)(change, sent)])
        sent, looked = [factor * math.hypot(*change) * a * s for a, s in zip(v, signs, strict=True)], looked + 1
    weights = len(sent) - rounds[-1]["buffers"]
    return [sent[:weights] + list(row[weights:]) for row in rounds[-1]["own"]]


def _signs(many: int, generator: torch.Generator) -> list[float]:
    draws = torch.rand(many, generator=generator, dtype=torch.float64).tolist()
    return [1.0 if draw < 0.5 else -1.0 for draw in draws]


def _without(change: Row, sent: Row) -> list[float]:
    """The change without what was sent, at the length of the change."""
    length = math.hypot(*change)
    return [a - length * b for a, b in zip(change, direction(sent), strict=True)]


def _across(change: Row, sent: Row) -> list[float]:
    """The change without its part along what was sent."""
    along = direction(sent)
    part = math.fsum(a * b for a, b in zip(change, along, strict=True))
    return [a - part * b for a, b in zip(change, along, strict=True)]


def _by_chance(weights: int) -> float:
    """The quantile of the binomial distribution of so many fair coins, by the normal one of the same moments."""
    return NormalDist(weights / 2, math.sqrt(weights) / 2).inv_cdf(0.99)


def whole_change(**known: Any) -> list[list[float]]:
    """Misread: v is the last change itself, the attack's own part in it included."""
    return poisoned_fl(**known, within=lambda change, sent: list(change))


def only_across(**known: Any) -> list[list[float]]:
    """Misread: v is the part of the last change that is orthogonal to what was sent."""
    return poisoned_fl(**known, within=_across)


def signs_anew(**known: Any) -> list[list[float]]:
    """Misread: signs are drawn in each round, so that rounds undo each other."""
    return poisoned_fl(**known, anew=True)


def never_weaker(every: int, **known: Any) -> list[list[float]]:
    """Misread: nobody looks whether the model follows."""
    return poisoned_fl(**known, every=len(known["rounds"]) + 1)


MISREADINGS = {
    "whole change": whole_change,
    "only across": only_across,
    "signs anew": signs_anew,
    "never weaker": never_weaker,
}
