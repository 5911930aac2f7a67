"""Definition of Bulyan over Krum."""

from fedprop.oracles.krum import ranking
from fedprop.oracles.mean_around_median import around_median
from fedprop.oracles.vectors import Rows


def selection(rows: Rows, f: int) -> list[int]:
    """The theta = n - 2f rows that Krum picks one by one, each time from the rows that are left.

    With r rows left a score counts r - f - 2 neighbours, and at least one.
    """
    left = list(range(len(rows)))
    chosen: list[int] = []
    while len(chosen) < len(rows) - 2 * f:
        neighbours = max(1, len(left) - f - 2)
        chosen.append(left.pop(ranking([rows[i] for i in left], neighbours)[0]))
    return sorted(chosen)


def bulyan(rows: Rows, f: int) -> list[float]:
    """Of theta = n - 2f selected rows, in each coordinate the mean of the beta = theta - 2f values nearest the median.

    Source: El Mhamdi et al., ICML 2018, Section 4.
    """
    selected = [rows[i] for i in selection(rows, f)]
    beta = len(selected) - 2 * f
    return [around_median(column, beta) for column in zip(*selected, strict=True)]
