"""Definition of the attack that is tailored to a rule, what attacks that ask rules share, and how it is misread.

Source: Shejwalkar and Houmansadr, NDSS 2021, section IV-B and Algorithm 1, with the range of their code.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from fedprop.oracles.min_max import direction
from fedprop.oracles.vectors import Row, Rows, mean_of, squared_distance

Assumed: TypeAlias = Callable[[Rows, int], tuple[Row, Row] | None]
"""What a rule set to tolerate so many rows answers, and the weight of each row; None if it refuses them."""

Succeeds: TypeAlias = Callable[[float], bool]


def copies(n: int, m: int, knowledge: str) -> int:
    """How many crafted rows stand before the known ones: all m, or where own rows stand in, max(1, m^2 // n)."""
    return m if knowledge == "full" else min(m, max(1, m * m // n))


def each_kept(weights: Row, many: int) -> bool:
    """Whether each of the first `many` rows has weight, or some of them have and nobody else."""
    crafted, others = weights[:many], weights[many:]
    return all(crafted) or (any(crafted) and not any(others))


def within_diameter(crafted: Rows, rows: Rows) -> bool:
    """Whether no crafted row is farther from a row than two rows are from each other."""
    bound = max(squared_distance(x, y) for x in rows for y in rows)
    return all(squared_distance(x, y) <= bound for x in crafted for y in rows)


def searched(succeeds: Succeeds, start: float, reach: float, threshold: float) -> float:
    """The last success among `start` and what is half of `reach`, a quarter and so on from there; else the low end."""
    gamma, best, step = start, start - reach, reach
    while abs(best - gamma) > threshold:
        step /= 2
        if succeeds(gamma):
            best = gamma
            gamma += step
        else:
            gamma -= step
    return best


def agr_tailored(
    rows: Rows,
    n: int,
    m: int,
    knowledge: str,
    push: str,
    goal: str,
    start: float,
    threshold: float,
    assumed: Assumed,
    search: Callable[[Succeeds, float, float, float], float] = searched,
) -> list[float]:
    """The row b + gamma p that all send: the last success of the search.

    With `selection` a rule gives weight to each crafted row, or to some of them and nobody else; with `deviation` its
    answer is farther from b than all before it. One that refuses such rows is met with the bound of Min-Max.
    """
    b, p = [mean_of(column) for column in zip(*rows, strict=True)], direction(rows, push)
    together, most = copies(n, m, knowledge), [0.0]

    def row(gamma: float) -> list[float]:
        return [x + gamma * v for x, v in zip(b, p, strict=True)]

    def succeeds(gamma: float) -> bool:
        answer = assumed([*[row(gamma)] * together, *rows], together)
        if answer is None:
            return within_diameter([row(gamma)], rows)
        if goal == "selection":
            return each_kept(answer[1], together)
        most.append(max(most[-1], math.dist(answer[0], b)))
        return most[-1] > most[-2]

    return row(search(succeeds, start, start, threshold))


def _half_as_far(succeeds: Succeeds, start: float, reach: float, threshold: float) -> float:
    return searched(succeeds, start, reach / 2, threshold)


def _to_the_end(succeeds: Succeeds, start: float, reach: float, threshold: float) -> float:
    gamma, step = start, reach
    while step > threshold:
        step /= 2
        gamma += step if succeeds(gamma) else -step
    return gamma


def as_printed(**known: Any) -> list[float]:
    """Misread: the first move is by a quarter of the start, as printed, so that less than half of it is never sent."""
    return agr_tailored(**known, search=_half_as_far)


def last_tried(**known: Any) -> list[float]:
    """Misread: what is sent is where the search ends, allowed or not."""
    return agr_tailored(**known, search=_to_the_end)


MISREADINGS = {"as printed": as_printed, "last tried": last_tried}
