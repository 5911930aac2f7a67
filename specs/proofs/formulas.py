"""Rules as formulas over unknown real numbers."""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import TypeAlias

import z3

Distances: TypeAlias = Mapping[tuple[int, int], z3.ArithRef]
"""The squared distance of rows i and j, by (i, j); 0 for i = j."""


def reals(name: str, count: int) -> list[z3.ArithRef]:
    """Unknown numbers name0, name1, ..."""
    return [z3.Real(f"{name}{i}") for i in range(count)]


def line_distances(rows: Sequence[z3.ArithRef]) -> Distances:
    """Squared distances of rows of one number each."""
    return {(i, j): (a - b) * (a - b) for i, a in enumerate(rows) for j, b in enumerate(rows)}


def unknown_distances(n: int) -> Distances:
    """Unknown numbers for the squared distances of n rows of any length: nothing but symmetry is known of them."""
    pairs = {(i, j): z3.Real(f"D{i}_{j}") for i, j in combinations(range(n), 2)}
    return {(i, j): pairs[min(i, j), max(i, j)] if i != j else z3.RealVal(0) for i in range(n) for j in range(n)}


def krum_selects(distances: Distances, chosen: int, neighbours: Collection[int], n: int) -> z3.BoolRef:
    """Among n rows Krum may select `chosen`, and `neighbours` are as many other rows as it looks at, the nearest ones.

    In one formula: the squared distances from `chosen` to its neighbours add up to no more than those from any row to
    as many others. So these are the nearest, their sum is the score of `chosen`, and no row has a smaller one. Of equal
    scores any may be selected: a proof covers every way to break ties.

    Source: Blanchard et al., NeurIPS 2017, Section 4.
    """
    score = z3.Sum([distances[chosen, j] for j in neighbours])
    sums = [
        z3.Sum([distances[i, j] for j in others])
        for i in range(n)
        for others in combinations([j for j in range(n) if j != i], len(neighbours))
    ]
    return z3.And([score <= other for other in sums])
