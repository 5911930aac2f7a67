"""Definition of Zeno++, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fedprop.oracles.fl_trust import rescaled
from fedprop.oracles.vectors import Row, Rows, weighted_mean


def dot(x: Row, y: Row) -> float:
    """The inner product."""
    return math.fsum(a * b for a, b in zip(x, y, strict=True))


def zeno_plus_plus(rows: Rows, reference: Row, rho: float = 0.01, epsilon: float = 0.0) -> list[float]:
    """The mean of the rows x, at the length of the reference r, with <r, x> - rho ||x||^2 >= -epsilon; zero if none.

    A row of zeros has no direction and is refused, as all are if r is zero.

    Source: Xie, Koyejo and Gupta, ICML 2020, Definition 2 and Algorithm 1, for one row x = -gamma g and r = -gamma v.
    """
    return _mean_of_accepted(rows, reference, rho, epsilon)


def _mean_of_accepted(
    rows: Rows,
    reference: Row,
    rho: float = 0.01,
    epsilon: float = 0.0,
    *,
    sized: Callable[[Row, float], Row] = rescaled,
    priced: Callable[[Row, Row], float] = lambda sent, x: dot(x, x),
    unanimous: bool = False,
    slack: float = -1.0,
    weigh: bool = False,
) -> list[float]:
    """Zeno++, or what becomes of it with other lengths, another price, or another use of who is accepted."""
    length = math.hypot(*reference)
    ready = [sized(x, length) for x in rows]
    scores = [dot(reference, x) - rho * priced(sent, x) for sent, x in zip(rows, ready, strict=True)]
    accepted = [any(x) and length > 0 and score >= slack * epsilon for x, score in zip(ready, scores, strict=True)]
    if not (all(accepted) if unanimous else any(accepted)):
        return [0.0] * len(reference)
    divisors = [1.0] * len(rows) if weigh else [float(yes) for yes in accepted]
    kept = [x if yes else [0.0] * len(reference) for x, yes in zip(ready, accepted, strict=True)]
    return weighted_mean(kept, divisors)


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "lengths kept": partial(_mean_of_accepted, sized=lambda x, length: x),
    "the length before it is set, in the price": partial(
        _mean_of_accepted, priced=lambda sent, x: dot(sent, sent) * any(x)
    ),
    "no price": lambda rows, reference, rho=0.01, epsilon=0.0: zeno_plus_plus(rows, reference, 0.0, epsilon),
    "length instead of its square": partial(_mean_of_accepted, priced=lambda sent, x: math.hypot(*x)),
    "epsilon demanded": partial(_mean_of_accepted, slack=1.0),
    "one refusal stops all": partial(_mean_of_accepted, unanimous=True),
    "divided by n": partial(_mean_of_accepted, weigh=True),
}
"""Wrong readings; the second is in its authors' code."""
