"""Definition of the adaptive attack on HeteroFL, and how it is misread.

Source: Lu et al. 2024 (HeteroFL), section VI, equation 8 and Algorithm 7; what is left to their supplement is
reconstructed.
"""

import math
from collections.abc import Callable
from typing import Any

import torch

from fedprop.oracles.agr_tailored import Assumed, copies, each_kept, searched, within_diameter
from fedprop.oracles.min_max import direction
from fedprop.oracles.vectors import Row, Rows, mean_of


def adaptive_heterofl(
    rows: Rows,
    everyone: Rows,
    n: int,
    m: int,
    knowledge: str,
    push: str,
    start: float,
    threshold: float,
    flips: float,
    search: str,
    assumed: Assumed,
    generator: torch.Generator,
    kept: Callable[[Row, int], bool] = each_kept,
) -> list[list[float]]:
    """The rows g + gamma p_i for i = 1 ... m, with the largest gamma found for which the server keeps all of them.

    g is the mean of `everyone`, p_1 a direction against it, and p_i is p_1 with the signs of ceil(flips d) entries
    turned: those that are first in the order of uniform draws. Crafted rows stand before `rows`; under partial
    knowledge fewer do.
    """
    g, p = [mean_of(column) for column in zip(*everyone, strict=True)], direction(everyone, push)
    draws = torch.rand(m - 1, len(p), generator=generator, dtype=torch.float64).tolist()
    pushes = [p, *(_turned(p, order, math.ceil(flips * len(p))) for order in draws)]
    together = copies(n, m, knowledge)

    def crafted(gamma: float) -> list[list[float]]:
        return [[b + gamma * v for b, v in zip(g, push, strict=True)] for push in pushes]

    def succeeds(gamma: float) -> bool:
        sent = crafted(gamma)
        answer = assumed([*sent[:together], *rows], together)
        return within_diameter(sent, everyone) if answer is None else kept(answer[1], together)

    reach = start if search == "code" else start / 2
    return crafted(searched(succeeds, start, reach, threshold))


def _turned(p: list[float], draws: list[float], many: int) -> list[float]:
    chosen = sorted(range(len(p)), key=lambda j: draws[j])[:many]
    return [-v if j in chosen else v for j, v in enumerate(p)]


def no_flips(**known: Any) -> list[list[float]]:
    """Misread: all send the same, which is a sybil to every step against them."""
    return adaptive_heterofl(**{**known, "flips": 0.0})


def of_the_others(**known: Any) -> list[list[float]]:
    """Misread: g is the mean of the rows of honest clients alone, as where the attack is tailored to another rule."""
    return adaptive_heterofl(**{**known, "everyone": known["rows"]})


def some_kept(**known: Any) -> list[list[float]]:
    """Misread: it succeeds as soon as one crafted row is kept."""
    return adaptive_heterofl(**known, kept=lambda weights, many: any(weights[:many]))


MISREADINGS = {"no flips": no_flips, "of the others": of_the_others, "some kept": some_kept}
