"""Definition of the coordinate-wise trimmed mean, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.median import median
from fedprop.oracles.vectors import Rows, mean_of, middle_of


def trimmed_mean(rows: Rows, f: int) -> list[float]:
    """In each coordinate, the mean of the n - 2f values left when the f smallest and f largest are removed.

    Source: Yin et al., ICML 2018, Definition 2.
    """
    kept = [sorted(column)[f : len(rows) - f] for column in zip(*rows, strict=True)]
    return [mean_of(values) for values in kept]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "nothing trimmed": lambda rows, f: middle_of(rows, 0, len(rows)),
    "one end trimmed": lambda rows, f: middle_of(rows, 0, len(rows) - f),
    "one too many": lambda rows, f: middle_of(
        rows, min(f + 1, (len(rows) - 1) // 2), max(len(rows) - f - 1, len(rows) // 2 + 1)
    ),
    "median": lambda rows, f: median(rows),
}
