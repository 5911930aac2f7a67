"""Definition of FoolsGold."""

import math
from collections.abc import Mapping, Sequence

from fedprop.oracles.fl_trust import cosine
from fedprop.oracles.vectors import Row, Rows, total

ALIKE = 1e-6
"""Cosines nearer to 1 than this are 1."""


def similarities(histories: Rows) -> list[list[float]]:
    """The cosine of each pair of histories, with 0 for a history and itself."""
    found = [[0.0 if x is y else cosine(x, y) for y in histories] for x in histories]
    return [[1.0 if c >= 1 - ALIKE else c for c in row] for row in found]


def credits_of(cs: Sequence[Sequence[float]]) -> list[float]:
    """Pardoning, then one minus the largest similarity, cut to [0, 1]."""
    n = len(cs)
    v = [max(row) for row in cs]
    pardoned = [[cs[i][j] * v[i] / v[j] if v[i] < v[j] else cs[i][j] for j in range(n)] for i in range(n)]
    return [min(1.0, max(0.0, 1 - max(row))) for row in pardoned]


def logit(credit: float, kappa: float) -> float:
    """Kappa (ln(c / (1 - c)) + 0.5), cut to [0, 1]."""
    if credit == 0:
        return 0.0
    return min(1.0, max(0.0, kappa * (math.log(credit / (1 - credit)) + 0.5)))


def learning_rates(histories: Rows, kappa: float) -> list[float]:
    """What each client counts, given the sums of their updates."""
    alpha = credits_of(similarities(histories))
    if max(alpha) == 0:
        return alpha
    shares = [a / max(alpha) for a in alpha]
    return [logit(0.99 if share == 1 else share, kappa) for share in shares]


def fools_gold_round(
    rows: Rows, clients: Sequence[int], before: Mapping[int, Row], kappa: float = 1.0, averaged: bool = False
) -> tuple[list[float], dict[int, list[float]]]:
    """The answer to rows of these clients, each of whom sends one, and the sums of everybody's updates afterwards.

    Source: Fung et al., RAID 2020, Algorithm 1, without a mask of features; a single client has full credit.
    """
    zero = [0.0] * len(rows[0])
    sums = [[a + b for a, b in zip(before.get(c, zero), x, strict=True)] for c, x in zip(clients, rows, strict=True)]
    alpha = learning_rates(sums, kappa)
    whole = math.fsum(alpha) if averaged and any(alpha) else 1.0
    answer = [
        math.fsum(a * v for a, v in zip(alpha, column, strict=True)) / whole for column in zip(*rows, strict=True)
    ]
    return answer, {**{c: list(h) for c, h in before.items()}, **dict(zip(clients, sums, strict=True))}


def fools_gold(rows: Rows, kappa: float = 1.0, averaged: bool = False) -> list[float]:
    """The answer of a first round."""
    return fools_gold_round(rows, range(len(rows)), {}, kappa, averaged)[0]


def _pardoning_nobody(cs: Sequence[Sequence[float]]) -> list[float]:
    return [min(1.0, max(0.0, 1 - max(row))) for row in cs]


def _weighed(rows: Rows, alpha: Sequence[float], whole: float = 1.0) -> list[float]:
    return [math.fsum(a * v for a, v in zip(alpha, column, strict=True)) / whole for column in zip(*rows, strict=True)]


def _without_pardon(rows: Rows) -> list[float]:
    alpha = _pardoning_nobody(similarities(rows))
    most = max(alpha) or 1.0
    return _weighed(rows, [logit(min(0.99, a / most), 1.0) for a in alpha])


def _without_rescaling(rows: Rows) -> list[float]:
    """The logit of the credits themselves, which are not divided by the largest one."""
    return _weighed(rows, [logit(min(0.99, a), 1.0) for a in credits_of(similarities(rows))])


def _credits_alone(rows: Rows) -> list[float]:
    alpha = credits_of(similarities(rows))
    return _weighed(rows, [a / (max(alpha) or 1.0) for a in alpha])


def _mean(rows: Rows) -> list[float]:
    alpha = learning_rates(rows, 1.0)
    return _weighed(rows, alpha, total(alpha) or 1.0)


MISREADINGS = {
    "nobody pardoned": _without_pardon,
    "not rescaled": _without_rescaling,
    "no logit": _credits_alone,
    "weights that add up to one": _mean,
    "a mean over all": lambda rows: _weighed(rows, learning_rates(rows, 1.0), float(len(rows))),
}
"""Wrong readings, of a first round with kappa = 1."""
