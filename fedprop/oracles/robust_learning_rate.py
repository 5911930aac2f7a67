"""Definition of the robust learning rate, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.mean import mean
from fedprop.oracles.sign_majority import sign, vote
from fedprop.oracles.vectors import Rows


def robust_learning_rate(rows: Rows, theta: int, rule: Callable[[Rows], list[float]] = mean) -> list[float]:
    """eta_j times the rule's answer: eta_j = 1 where |sum_i sign(x_ij)| >= theta, and -1 elsewhere.

    Source: Ozdayi, Kantarcioglu and Gel, AAAI 2021, Section 4.
    """
    return [
        a if abs(vote(column)) >= theta else -a for a, column in zip(rule(rows), zip(*rows, strict=True), strict=True)
    ]


def _turning(other: Callable[[list[float], float, int], float]) -> Any:
    """What a wrong reading makes of a column, the rule's answer to it and theta."""

    def misread(rows: Rows, theta: int, rule: Callable[[Rows], list[float]] = mean) -> list[float]:
        return [other(list(c), a, theta) for a, c in zip(rule(rows), zip(*rows, strict=True), strict=True)]

    return misread


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "no step in place of a step back": _turning(lambda c, a, theta: a if abs(vote(c)) >= theta else 0.0),
    "more than theta": _turning(lambda c, a, theta: a if abs(vote(c)) > theta else -a),
    "votes up alone": _turning(lambda c, a, theta: a if vote(c) >= theta else -a),
    "all who vote": _turning(lambda c, a, theta: a if sum(abs(sign(v)) for v in c) >= theta else -a),
    "signs as aggregate": _turning(lambda c, a, theta: sign(vote(c)) * (1.0 if abs(vote(c)) >= theta else -1.0)),
}
