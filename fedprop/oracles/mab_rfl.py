"""Definition of what MAB-RFL's server makes of a round: who is rejected, and the step."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple

from fedprop.oracles.vectors import Row, Rows, direction, squared_distance, weighted_mean


class Past(NamedTuple):
    """A client's momentum, and how many rounds ago it was seen; no momentum before its first update."""

    momentum: Row | None = None
    ago: int = 1


class Outcome(NamedTuple):
    """The rows rejected by either filter, and the step; no step if nobody is accepted."""

    sybils: set[int]
    outliers: set[int]
    step: list[float] | None


def dot(x: Row, y: Row) -> float:
    """The inner product."""
    return math.fsum(a * b for a, b in zip(x, y, strict=True))


def moved(update: Row, past: Past, mu: float = 0.1) -> list[float]:
    """M <- update + mu^(t - r) m, and then m / ||m||."""
    if past.momentum is None:
        return direction(update)
    return direction([u + mu**past.ago * m for u, m in zip(update, past.momentum, strict=True)])


def threshold(t: int) -> float:
    """max(c_max e^(-t/20), c_min), with 0.3 and 0.1."""
    return max(0.3 * math.exp(-t / 20), 0.1)


def largest_component(momenta: Rows, least: float) -> set[int]:
    """The largest connected component of the graph with an edge wherever <m_i, m_j> exceeds `least`."""
    component = list(range(len(momenta)))
    for i, j in combinations(range(len(momenta)), 2):
        if dot(momenta[i], momenta[j]) > least:
            old, new = component[j], component[i]
            component = [new if c == old else c for c in component]
    groups = [{i for i, c in enumerate(component) if c == name} for name in dict.fromkeys(component)]
    best = max(groups, key=len, default=set[int]())
    return best if len(best) > 1 else set()


def principal(rows: Rows, variance: float = 0.95) -> list[list[float]]:
    """The rows on the fewest principal axes that explain a share of the variance: PCA by Jacobi's rotations."""
    middle = weighted_mean(rows, [1.0] * len(rows))
    centred = [[v - c for v, c in zip(row, middle, strict=True)] for row in rows]
    d = len(middle)
    covariance = [[math.fsum(row[i] * row[j] for row in centred) for j in range(d)] for i in range(d)]
    values, axes = eigen(covariance)
    order = sorted(range(d), key=lambda k: -values[k])
    whole, sofar, kept = math.fsum(values), 0.0, []
    for k in order:
        if whole <= 1e-12 or sofar / whole >= variance:
            break
        kept.append(axes[k])
        sofar += values[k]
    return [[dot(row, axis) for axis in kept] for row in centred]


def eigen(matrix: Sequence[Sequence[float]]) -> tuple[list[float], list[list[float]]]:
    """The eigenvalues and eigenvectors of a symmetric matrix."""
    d = len(matrix)
    a = [list(row) for row in matrix]
    v = [[float(i == j) for j in range(d)] for i in range(d)]
    for _ in range(60):
        for p, q in combinations(range(d), 2):
            if a[p][q] == 0.0:
                continue
            angle = 0.5 * math.atan2(2 * a[p][q], a[q][q] - a[p][p])
            c, s = math.cos(angle), math.sin(angle)
            for rows in (a, v):
                for row in rows:
                    row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
            a[p], a[q] = (
                [c * x - s * y for x, y in zip(a[p], a[q], strict=True)],
                [s * x + c * y for x, y in zip(a[p], a[q], strict=True)],
            )
    return [a[i][i] for i in range(d)], [[row[i] for row in v] for i in range(d)]


def ward(points: Rows) -> list[set[int]]:
    """Two clusters: those are merged, again and again, whose union has the least more squared error than they have."""
    clusters = [{i} for i in range(len(points))]

    def cost(one: set[int], other: set[int]) -> float:
        means = [weighted_mean([points[i] for i in sorted(group)], [1.0] * len(group)) for group in (one, other)]
        return len(one) * len(other) / (len(one) + len(other)) * squared_distance(*means)

    while len(clusters) > 2:
        one, other = min(combinations(clusters, 2), key=lambda pair: cost(*pair))
        clusters = [group for group in clusters if group not in (one, other)] + [one | other]
    return sorted(clusters, key=min)


def smaller_cluster(momenta: Rows, *, in_projection: bool = False) -> set[int]:
    """The smaller cluster if the means of the two have a cosine below 0; of equal ones the first."""
    points = principal(momenta) if len(momenta) > 1 else []
    if not points or not points[0]:
        return set()
    first, second = ward(points)
    rows = points if in_projection else momenta
    means = [weighted_mean([rows[i] for i in sorted(group)], [1.0] * len(group)) for group in (first, second)]
    if dot(*means) >= 0:
        return set()
    return first if len(first) <= len(second) else second


def mab_rfl(updates: Rows, pasts: Sequence[Past], t: int) -> Outcome:
    """A round t in which clients with these pasts sent these updates, rows in the order of their ids.

    Source: Wan et al., IJCAI 2022, with the constants of the authors' code.
    """
    return _round(updates, pasts, t)


def _round(
    updates: Rows,
    pasts: Sequence[Past],
    t: int,
    *,
    move: Callable[..., list[float]] = moved,
    least: Callable[[int], float] = threshold,
    middle: Callable[[Sequence[float]], float] = median,
    in_projection: bool = False,
) -> Outcome:
    momenta = [move(update, past) for update, past in zip(updates, pasts, strict=True)]
    alike = largest_component(momenta, least(t))
    rest = [i for i in range(len(updates)) if i not in alike]
    apart = {rest[k] for k in smaller_cluster([momenta[i] for i in rest], in_projection=in_projection)}
    accepted = [i for i in rest if i not in apart]
    if not accepted:
        return Outcome(alike, apart, None)
    length = middle([math.hypot(*updates[i]) for i in accepted])
    mean = weighted_mean([momenta[i] for i in accepted], [1.0] * len(accepted))
    return Outcome(alike, apart, [length * m for m in mean])


def _not_normalised(update: Row, past: Past) -> list[float]:
    if past.momentum is None:
        return list(update)
    return [u + 0.1**past.ago * m for u, m in zip(update, past.momentum, strict=True)]


def _always_a_round_ago(update: Row, past: Past) -> list[float]:
    return moved(update, past._replace(ago=1))


def _lower(lengths: Sequence[float]) -> float:
    return sorted(lengths)[(len(lengths) - 1) // 2]


MISREADINGS: Mapping[str, Callable[[Rows, Sequence[Past], int], Outcome]] = {
    "momenta of any length": lambda u, p, t: _round(u, p, t, move=_not_normalised),
    "momenta that fade by rounds taken part in": lambda u, p, t: _round(u, p, t, move=_always_a_round_ago),
    "no momenta": lambda u, p, t: _round(u, [Past()] * len(u), t),
    "a threshold that does not fade": lambda u, p, t: _round(u, p, t, least=lambda _: 0.3),
    "a threshold that fades to nothing": lambda u, p, t: _round(u, p, t, least=lambda t: 0.3 * math.exp(-t / 20)),
    "the lower of two middle lengths": lambda u, p, t: _round(u, p, t, middle=_lower),
    "the mean length": lambda u, p, t: _round(u, p, t, middle=lambda lengths: math.fsum(lengths) / len(lengths)),
    "cosines of projected means": lambda u, p, t: _round(u, p, t, in_projection=True),
}
"""Wrong readings."""
