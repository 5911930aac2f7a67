"""Definition of Bulyan over Krum, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.krum import one_by_one, ranking
from fedprop.oracles.mean_around_median import around_median
from fedprop.oracles.vectors import Rows, middle_of


def selection(rows: Rows, f: int) -> list[int]:
    """The theta = n - 2f rows that Krum picks one by one, each time from the rows that are left.

    With r rows left a score counts r - f - 2 neighbours, and at least one. Mutual neighbours often tie then; the paper
    does not say which of them goes first.
    """
    return sorted(one_by_one(rows, lambda r: r - f - 2, until=2 * f))


def bulyan(rows: Rows, f: int) -> list[float]:
    """Of theta = n - 2f selected rows, in each coordinate the mean of the beta = theta - 2f values nearest the median.

    Source: El Mhamdi et al., ICML 2018, Section 4.
    """
    selected = [rows[i] for i in selection(rows, f)]
    beta = len(selected) - 2 * f
    return [around_median(column, beta) for column in zip(*selected, strict=True)]


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
    return middle_of(selected, f, len(selected) - f)


def _bulyan_average(selected: Rows, beta: int) -> list[float]:
    return [around_median(column, beta) for column in zip(*selected, strict=True)]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "selected once": _selected_once,
    "one value too few": _one_value_fewer,
    "trimmed mean of the selection": _trimmed_selection,
}
