"""Definition of anomaly detection in two stages, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedprop.oracles.krum import score
from fedprop.oracles.vectors import Row, Rows, direction, mean_of, weighted_mean

Memory = tuple[list[float] | None, Mapping[int, list[float]]]


def cosine(x: Row, y: Row) -> float:
    """The cosine of the angle between x and y; 0 if one of them is zero."""
    return math.fsum(a * b for a, b in zip(direction(x), direction(y), strict=True))


def sample_deviation(values: Sequence[float]) -> float:
    """The standard deviation with n - 1 below."""
    mean = mean_of(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def three_sigma_round(
    rows: Rows,
    model: Row,
    clients: Sequence[int],
    before: Memory,
    gamma: float = 0.5,
    lambda_: float = 0.5,
    limit: Callable[[Sequence[float], float], float] | None = None,
) -> tuple[list[float], Memory]:
    """The mean update of who is accepted, and the centre and the models remembered after that.

    Source: FedML's code for FedSecurity (Han et al. 2024), with all of a model in place of its last but one layer.
    """
    centre, last = before
    models = [[m + v for m, v in zip(model, x, strict=True)] for x in rows]
    n = len(rows)
    suspects = [
        centre is None or cosine(x, model) < gamma or (client in last and cosine(x, last[client]) < gamma)
        for client, x in zip(clients, models, strict=True)
    ]
    accepted = list(range(n))
    if n > 1 and any(suspects):
        if centre is None:
            few = max(1, math.ceil(n / 2) - 1)
            inner = [score(rows, i, few) for i in range(n)]
            best = [i for i in range(n) if inner[i] <= sorted(inner)[few - 1] * (1 + 1e-9)]
            centre = [
                m + mean_of(column) for m, column in zip(model, zip(*(rows[i] for i in best), strict=True), strict=True)
            ]
        scores = [math.dist(x, centre) for x in models]
        bound = (limit or _mean_and_deviations)(scores, lambda_) + 1e-9 * max(scores)
        accepted = [i for i in range(n) if not (suspects[i] and scores[i] > bound)]
    answer = weighted_mean([rows[i] for i in accepted], [1.0] * len(accepted))
    known = {**last, **{clients[i]: models[i] for i in accepted}}
    return answer, ([m + v for m, v in zip(model, answer, strict=True)], known)


def _mean_and_deviations(scores: Sequence[float], lambda_: float) -> float:
    return mean_of(scores) + lambda_ * sample_deviation(scores)


def three_sigma(
    rows: Rows,
    model: Row,
    gamma: float = 0.5,
    lambda_: float = 0.5,
    limit: Callable[[Sequence[float], float], float] | None = None,
) -> list[float]:
    """The answer of a first round."""
    return three_sigma_round(rows, model, range(len(rows)), (None, {}), gamma, lambda_, limit)[0]


def _population(scores: Sequence[float], lambda_: float) -> float:
    mean = mean_of(scores)
    return mean + lambda_ * math.sqrt(mean_of([(v - mean) ** 2 for v in scores]))


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "three deviations": lambda rows, model: three_sigma(rows, model, lambda_=3.0),
    "population deviation": lambda rows, model, lambda_=0.5: three_sigma(
        rows, model, lambda_=lambda_, limit=_population
    ),
    "the mean score as limit": lambda rows, model: three_sigma(rows, model, lambda_=0.0),
    "nobody left out in the first round": lambda rows, model: weighted_mean(rows, [1.0] * len(rows)),
}
