"""Definition of signSGD's majority vote, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows


def sign(v: float) -> int:
    """1, -1, or 0 for zero."""
    return (v > 0) - (v < 0)


def vote(values: Row) -> int:
    """How many more values are above zero than below it."""
    return sum(sign(v) for v in values)


def sign_majority(rows: Rows, step: float = 1.0) -> list[float]:
    """In each coordinate, sign(sum_i sign(x_i)), times the step; sign(0) = 0.

    Source: Bernstein et al., ICLR 2019, Algorithm 1.
    """
    return [step * sign(vote(column)) for column in zip(*rows, strict=True)]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "sign of the sum": lambda rows, step=1.0: [step * sign(sum(column)) for column in zip(*rows, strict=True)],
    "sign of the median": lambda rows, step=1.0: [step * sign(median_of(column)) for column in zip(*rows, strict=True)],
    "mean of the signs": lambda rows, step=1.0: [
        step * vote(column) / len(column) for column in zip(*rows, strict=True)
    ],
    "zeros vote for up": lambda rows, step=1.0: [
        step * sign(sum(1 if v >= 0 else -1 for v in column)) for column in zip(*rows, strict=True)
    ],
    "ties go up": lambda rows, step=1.0: [
        step * (1 if vote(column) >= 0 else -1) for column in zip(*rows, strict=True)
    ],
}
