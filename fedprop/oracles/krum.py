"""Definition of Krum and Multi-Krum."""

from fedprop.oracles.vectors import Rows, squared_distance, total, weighted_mean


def score(rows: Rows, i: int, neighbours: int) -> float:
    """s(i): the sum of the squared distances from row i to the `neighbours` other rows nearest to it."""
    others = sorted(squared_distance(rows[i], rows[j]) for j in range(len(rows)) if j != i)
    return total(others[:neighbours])


def ranking(rows: Rows, neighbours: int) -> list[int]:
    """Row indices from the best score to the worst; the smaller index first where scores are equal."""
    return sorted(range(len(rows)), key=lambda i: (score(rows, i, neighbours), i))


def krum(rows: Rows, f: int, m: int = 1) -> list[float]:
    """The mean of the m rows with the smallest s(i), each over n - f - 2 neighbours.

    Source: Blanchard et al., NeurIPS 2017, Section 4; m = 1 is Krum.
    """
    best = ranking(rows, len(rows) - f - 2)[:m]
    return weighted_mean([rows[i] for i in best], [1.0] * m)
