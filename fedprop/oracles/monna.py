"""Definition of MoNNA with the server as the node, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.aksel import nearest
from fedprop.oracles.vectors import Row, Rows, weighted_mean


def monna(rows: Rows, f: int, reference: Row) -> list[float]:
    """The mean of the n - f of n rows nearest to the node's own, which is one of them and stands first.

    Source: Farhadkhani et al., ICML 2023.
    """
    every = [reference, *rows]
    return nearest(every, reference, len(every) - f)


def _among_themselves(rows: Rows, f: int, reference: Row) -> list[float]:
    """As many rows, nearest to the mean of all."""
    every = [reference, *rows]
    return nearest(every, weighted_mean(every, [1.0] * len(every)), len(every) - f)


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "without its own row": lambda rows, f, reference: nearest(rows, reference, len(rows) - f),
    "n - f rows beside its own": lambda rows, f, reference: nearest(
        [reference, *rows], reference, min(len(rows), len(rows) - f + 1) + 1
    ),
    "nearest to the mean": _among_themselves,
}
