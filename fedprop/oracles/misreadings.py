"""Definitions read wrongly, each in a way that has been published as the rule itself.

They are here to make inputs on which the right reading and a wrong one differ; no rule is ever compared with them.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.afa import MISREAD as AFA
from fedprop.oracles.bucketing import MISREADINGS as OF_BUCKETING
from fedprop.oracles.bulyan import selection
from fedprop.oracles.fl_trust import cosine, rescaled
from fedprop.oracles.fools_gold import MISREAD as FOOLS_GOLD
from fedprop.oracles.gaussian_noise import MISREADINGS as OF_GAUSSIAN_NOISE
from fedprop.oracles.krum import ranking
from fedprop.oracles.loss_rejection import MISREAD as LOSS_REJECTION
from fedprop.oracles.mean_around_median import around_median
from fedprop.oracles.median import median_of
from fedprop.oracles.model_clipping import MISREADINGS as OF_MODEL_CLIPPING
from fedprop.oracles.moving_average import MISREADINGS as OF_MOVING_AVERAGE
from fedprop.oracles.norm_filter import MISREADINGS as OF_NORM_FILTER
from fedprop.oracles.vectors import Row, Rows, mean_of, squared_distance, total, weighted_mean
from fedprop.oracles.worker_momentum import MISREADINGS as OF_WORKER_MOMENTUM
from fedprop.oracles.zeno import MISREAD as ZENO


def _krum(distance: Callable[[Row, Row], float], neighbours: Callable[[int, int], int], *, itself: bool = False) -> Any:
    """Krum with another distance, another number of neighbours, or each row among its own neighbours."""

    def misread(rows: Rows, f: int, m: int = 1) -> list[float]:
        n = len(rows)
        scores = []
        for i in range(n):
            others = sorted(distance(rows[i], rows[j]) for j in range(n) if itself or j != i)
            scores.append(total(others[: max(1, neighbours(n, f))]))
        best = sorted(range(n), key=lambda i: (scores[i], i))[:m]
        return weighted_mean([rows[i] for i in best], [1.0] * m)

    return misread


def _plain(x: Row, y: Row) -> float:
    return math.dist(x, y)


def _fourth_power(x: Row, y: Row) -> float:
    square = squared_distance(x, y)
    return square * square


def _taxicab(x: Row, y: Row) -> float:
    return math.fsum(abs(a - b) for a, b in zip(x, y, strict=True))


def _blanchard(n: int, f: int) -> int:
    return n - f - 2


def _last_of_equals(rows: Rows, f: int, m: int = 1) -> list[float]:
    order = ranking(rows[::-1], len(rows) - f - 2)[:m]
    return weighted_mean([rows[::-1][i] for i in order], [1.0] * m)


def _selected_once(rows: Rows, f: int) -> list[float]:
    """Bulyan with the theta best rows of one Krum ranking."""
    theta = len(rows) - 2 * f
    return _bulyan_average([rows[i] for i in ranking(rows, len(rows) - f - 2)[:theta]], theta - 2 * f)


def _one_value_fewer(rows: Rows, f: int) -> list[float]:
    selected = [rows[i] for i in selection(rows, f)]
    return _bulyan_average(selected, max(1, len(selected) - 2 * f - 1))


def _trimmed_selection(rows: Rows, f: int) -> list[float]:
    """Bulyan with a trimmed mean where it averages around the median."""
    selected = [rows[i] for i in selection(rows, f)]
    return _middle(selected, f, len(selected) - f)


def _bulyan_average(selected: Rows, beta: int) -> list[float]:
    return [around_median(column, beta) for column in zip(*selected, strict=True)]


def _middle(rows: Rows, start: int, stop: int) -> list[float]:
    """In each coordinate, the mean of the ordered values from `start` to before `stop`."""
    kept = [sorted(column)[start:stop] for column in zip(*rows, strict=True)]
    return [mean_of(values) for values in kept]


def _around(centre: Callable[[Row, int], float], *, fewer: int = 1) -> Any:
    """The mean around median with another centre, or of the n - `fewer` * f nearest values."""

    def misread(rows: Rows, f: int) -> list[float]:
        answer = []
        for column in zip(*rows, strict=True):
            middle = centre(column, f)
            near = sorted(column, key=lambda v: (abs(v - middle), v))[: len(rows) - fewer * f]
            answer.append(mean_of(near))
        return answer

    return misread


def _clipping(move: Callable[[Row, float], Row]) -> Any:
    """Centered clipping whose rows, at `way` from v, pull by `move(way, radius)` instead."""

    def misread(rows: Rows, radius: float, iterations: int = 1) -> list[float]:
        v = [0.0] * len(rows[0])
        for _ in range(iterations):
            moves = [move([a - b for a, b in zip(x, v, strict=True)], radius) for x in rows]
            v = [b + math.fsum(column) / len(rows) for b, column in zip(v, zip(*moves, strict=True), strict=True)]
        return v

    return misread


def _scaled(way: Row, factor: float) -> Row:
    return [factor * w for w in way]


def _trust(
    *,
    score: Callable[[float], float] = lambda c: max(0.0, c),
    scale: Callable[[Row, Row], Row] = lambda x, g: rescaled(x, math.hypot(*g)),
    total: Callable[[Row], float] = math.fsum,
) -> Any:
    """FLTrust with another score of the cosine, other lengths of the rows, or another divisor of their sum."""

    def misread(rows: Rows, reference: Row) -> list[float]:
        scores = [score(cosine(x, reference)) for x in rows]
        scaled = zip(*(scale(x, reference) for x in rows), strict=True)
        sums = [math.fsum(w * v for w, v in zip(scores, column, strict=True)) for column in scaled]
        return [v / (total(scores) or 1.0) for v in sums]

    return misread


def _medoid(rows: Rows) -> list[float]:
    """The row with the least sum of distances."""
    costs = [math.fsum(math.dist(x, y) for y in rows) for x in rows]
    return list(rows[costs.index(min(costs))])


def _coordinates(rows: Rows) -> list[float]:
    """The minimiser of the sum of L1 distances."""
    return [median_of(column) for column in zip(*rows, strict=True)]


def _few_steps_from_zero(rows: Rows) -> list[float]:
    """Three Weiszfeld steps from the origin."""
    z = [0.0] * len(rows[0])
    for _ in range(3):
        z = weighted_mean(rows, [1 / max(1e-9, math.dist(z, x)) for x in rows])
    return z


def _without_itself(rows: Rows, f: int) -> list[list[float]]:
    """Mixing with the n - f nearest other rows."""
    mixed = []
    for i, x in enumerate(rows):
        others = sorted((j for j in range(len(rows)) if j != i), key=lambda j: (squared_distance(x, rows[j]), j))
        near = others[: len(rows) - f]
        mixed.append(weighted_mean([rows[j] for j in near], [1.0] * len(near)) if near else list(x))
    return mixed


MISREADINGS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "krum": {
        "plain distances": _krum(_plain, _blanchard),
        "distances squared twice": _krum(_fourth_power, _blanchard),
        "L1 distances": _krum(_taxicab, _blanchard),
        "itself as neighbour": _krum(squared_distance, _blanchard, itself=True),
        "n - f - 1 neighbours": _krum(squared_distance, lambda n, f: n - f - 1),
        "n - f neighbours": _krum(squared_distance, lambda n, f: n - f),
        "f + 1 neighbours": _krum(squared_distance, lambda n, f: f + 1),
        "the last of equal scores": _last_of_equals,
    },
    "bulyan": {
        "selected once": _selected_once,
        "one value too few": _one_value_fewer,
        "trimmed mean of the selection": _trimmed_selection,
    },
    "median": {
        "lower middle": lambda rows: _middle(rows, (len(rows) - 1) // 2, (len(rows) - 1) // 2 + 1),
        "upper middle": lambda rows: _middle(rows, len(rows) // 2, len(rows) // 2 + 1),
    },
    "trimmed_mean": {
        "nothing trimmed": lambda rows, f: _middle(rows, 0, len(rows)),
        "one end trimmed": lambda rows, f: _middle(rows, 0, len(rows) - f),
        "one too many": lambda rows, f: _middle(
            rows, min(f + 1, (len(rows) - 1) // 2), max(len(rows) - f - 1, len(rows) // 2 + 1)
        ),
        "median": lambda rows, f: _coordinates(rows),
    },
    "mean_around_median": {
        "around the mean": _around(lambda column, f: math.fsum(column) / len(column)),
        "around the trimmed mean": _around(
            lambda column, f: math.fsum(sorted(column)[f : len(column) - f]) / (len(column) - 2 * f)
        ),
        "around the lower middle": _around(lambda column, f: sorted(column)[(len(column) - 1) // 2]),
        "n - 2f values": _around(lambda column, f: median_of(column), fewer=2),
    },
    "geometric_median": {
        "medoid": _medoid,
        "L1 distances": _coordinates,
        "a few steps from zero": _few_steps_from_zero,
        "first row": lambda rows: list(rows[0]),
    },
    "centered_clipping": {
        "coordinate by coordinate": _clipping(lambda way, radius: [max(-radius, min(radius, w)) for w in way]),
        "short ways lengthened": _clipping(
            lambda way, radius: _scaled(way, radius / math.hypot(*way) if any(way) else 1.0)
        ),
        "squared distances": _clipping(
            lambda way, radius: _scaled(way, min(1.0, radius / math.hypot(*way) ** 2) if any(way) else 1.0)
        ),
        "far rows left out": _clipping(lambda way, radius: _scaled(way, float(math.hypot(*way) <= radius))),
        "nothing cut": _clipping(lambda way, radius: way),
    },
    "fl_trust": {
        "negative scores kept": _trust(score=lambda c: c),
        "absolute scores": _trust(score=abs),
        "trusted rows count alike": _trust(score=lambda c: float(c > 0)),
        "lengths kept": _trust(scale=lambda x, g: x),
        "long rows alone cut": _trust(scale=lambda x, g: rescaled(x, min(math.hypot(*x), math.hypot(*g)))),
        "divided by n": _trust(total=lambda scores: float(len(scores))),
        "the reference counts as a row": lambda rows, reference: _trust()([*rows, reference], reference),
    },
    "afa": AFA,
    "fools_gold": FOOLS_GOLD,
    "loss_rejection": LOSS_REJECTION,
    "zeno": ZENO,
    "mean": {"sum": lambda rows: [math.fsum(column) for column in zip(*rows, strict=True)]},
    "bucketing": OF_BUCKETING,
    "norm_filter": OF_NORM_FILTER,
    "gaussian_noise": OF_GAUSSIAN_NOISE,
    "model_clipping": OF_MODEL_CLIPPING,
    "moving_average": OF_MOVING_AVERAGE,
    "worker_momentum": OF_WORKER_MOMENTUM,
    "nearest_neighbour_mixing": {"without itself": _without_itself},
    "norm_clipping": {
        "by the largest entry": lambda rows, max_norm: [
            [v * min(1.0, max_norm / max(map(abs, x), default=0.0)) if any(x) else v for v in x] for x in rows
        ],
    },
}
"""Wrong readings by `kind`, each named."""
