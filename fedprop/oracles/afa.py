"""Definition of adaptive federated averaging."""

import math
from collections.abc import Callable, Mapping, Sequence

from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, direction, mean_of, squared_distance, weighted_mean

SAME = 1e-12
"""What rounding may do to a cosine sets nobody apart."""

Reputations = Mapping[int, tuple[int, int]]


def apart(x: Row, y: Row) -> float:
    """1 - cos of the angle between x and y, from the chord between their directions; 1 if one of them is zero."""
    if not any(x) or not any(y):
        return 1.0
    return squared_distance(direction(x), direction(y)) / 2


def probability_bad(alpha: int, beta: int) -> float:
    """P(p < 1/2) for p of Beta(alpha, beta), both whole numbers."""
    n = alpha + beta - 1
    return float(sum(math.comb(n, k) for k in range(alpha, n + 1)) / 2**n)


def low_or_high(t: Sequence[float], xi: float) -> list[bool]:
    """Who is bad by t = 1 - s: those with small s if the mean of s is below its median, otherwise those with large."""
    middle, mean = median_of(t), mean_of(t)
    sigma = math.sqrt(mean_of([(v - mean) ** 2 for v in t]))
    reach = xi * sigma + SAME
    return [v > middle + reach for v in t] if mean > middle + SAME else [v < middle - reach for v in t]


def afa_round(
    rows: Rows,
    model: Row,
    clients: Sequence[int],
    examples: Sequence[int],
    before: Reputations,
    alpha: int = 3,
    beta: int = 3,
    xi: float = 2.0,
    xi_step: float = 0.5,
    delta: float = 0.95,
    judge: Callable[[Sequence[float], float], list[bool]] = low_or_high,
) -> tuple[list[float], dict[int, tuple[int, int]]]:
    """The update that leads to the average of the good models, and everybody's reputation afterwards.

    Source: Munoz-Gonzalez et al. 2019, Algorithm 1 (reconstructed). A mean that leaves out models is that of the
    updates without them; 1 - s is compared instead of s, which loses fewer digits.
    """
    known = {client: before.get(client, (alpha, beta)) for client in clients}
    models = [[m + v for m, v in zip(model, x, strict=True)] for x in rows]
    trust = [known[client][0] / sum(known[client]) for client in clients]
    free = [i for i, client in enumerate(clients) if probability_bad(*known[client]) <= delta]
    good = list(free)
    while good:
        average = weighted_mean([models[i] for i in good], _weights(trust, examples, good))
        verdicts = judge([apart(average, models[i]) for i in good], xi)
        bad = [i for i, is_bad in zip(good, verdicts, strict=True) if is_bad]
        if not bad:
            break
        good, xi = [i for i in good if i not in bad], xi + xi_step
    after = dict(before)
    for i, client in enumerate(clients):
        a, b = known[client]
        after[client] = (a + (i in good), b + (i in free and i not in good))
    if not good:
        return [0.0] * len(model), after
    return weighted_mean([rows[i] for i in good], _weights(trust, examples, good)), after


def _weights(trust: Sequence[float], examples: Sequence[int], good: Sequence[int]) -> list[float]:
    weights = [trust[i] * examples[i] for i in good]
    return weights if any(weights) else [trust[i] for i in good]


def afa(
    rows: Rows,
    model: Row,
    alpha: int = 3,
    beta: int = 3,
    xi: float = 2.0,
    xi_step: float = 0.5,
    delta: float = 0.95,
    judge: Callable[[Sequence[float], float], list[bool]] = low_or_high,
) -> list[float]:
    """The answer of a first round in which all claim the same."""
    n = len(rows)
    return afa_round(rows, model, range(n), [1] * n, {}, alpha, beta, xi, xi_step, delta, judge)[0]


def _always_low(t: Sequence[float], xi: float) -> list[bool]:
    mean = mean_of(t)
    sigma = math.sqrt(mean_of([(v - mean) ** 2 for v in t]))
    return [v > median_of(t) + xi * sigma for v in t]


def _around_the_mean(t: Sequence[float], xi: float) -> list[bool]:
    mean = mean_of(t)
    sigma = math.sqrt(mean_of([(v - mean) ** 2 for v in t]))
    return [abs(v - mean) > xi * sigma for v in t]


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "small cosines only": lambda rows, model: afa(rows, model, judge=_always_low),
    "both sides of the mean": lambda rows, model: afa(rows, model, judge=_around_the_mean),
    "updates instead of models": lambda rows, model: afa(rows, [0.0] * len(model)),
    "the same xi for ever": lambda rows, model: afa(rows, model, xi_step=0.0),
}
"""Wrong readings, of a first round with the parameters of the paper."""
