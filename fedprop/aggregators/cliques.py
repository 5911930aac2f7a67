"""The largest sets of rows of which no two are far apart, and how far apart two must be allowed to be for such a set.

Nothing is known that finds maximum cliques of every graph in less than exponential time. Here rows go rather than come:
a clique of near rows is what is left when the fewest rows are dropped so that no pair of far ones remains, and of rows
that have anything in common few pairs are far.
"""

import numpy as np
import torch
from torch import Tensor

from fedprop.errors import InvalidUpdates
from fedprop.types import Gram

MOST_STEPS = 100_000
"""Partial sets looked at before a search is given up: some seconds. 100 rows without structure take 3,000."""


def least_reach(distances: Gram, size: int, tie: float) -> float:
    """The least of the distances [n, n] at which `size` rows are all within it, or a share `tie` more, of each other.

    Raises
    ------
    InvalidUpdates
        If the search takes more than `MOST_STEPS`.
    """
    reaches = torch.unique(distances)
    low, high = 0, len(reaches) - 1
    while low < high:
        middle = (low + high) // 2
        if _search(_conflicts(distances, float(reaches[middle]) * (1 + tie)), size, any_will_do=True):
            high = middle
        else:
            low = middle + 1
    return float(reaches[low])


def largest_cliques(distances: Gram, reach: float, size: int) -> Tensor:
    """All sets [s, n] of most rows, and at least `size`, of which no two are more than `reach` apart, as masks.

    They come in lexicographic order of the rows in them. Raises as `least_reach` does.
    """
    n = len(distances)
    found = _search(_conflicts(distances, reach), size)
    masks = torch.tensor([[bool(clique >> row & 1) for row in range(n)] for clique in found])
    order = sorted(range(len(found)), key=lambda place: (~masks[place]).tolist())
    return masks[order].to(distances.device)


def _conflicts(distances: Gram, reach: float) -> list[int]:
    """For each row the rows farther from it than `reach`, as the bits of a number."""
    far = np.packbits((distances > reach).numpy(force=True), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in far]


def _search(conflicts: list[int], size: int, *, any_will_do: bool = False) -> list[int]:
    """The largest sets without a conflict, of at least `size` rows, or the first one found, as the bits of numbers.

    Each step drops the row in most conflicts, or keeps it and drops those.
    """
    left, found, steps = [(0, (1 << len(conflicts)) - 1)], list[int](), 0
    while left:
        steps += 1
        if steps > MOST_STEPS:
            raise InvalidUpdates(
                f"`updates` must have their largest sets of near rows found in {MOST_STEPS} steps; "
                f"found {len(conflicts)} rows, of which {sum(map(int.bit_count, conflicts)) // 2} pairs are far"
            )
        kept, undecided = left.pop()
        members = (kept | undecided).bit_count()
        if members < size:
            continue
        row, number = _most_conflicts(conflicts, undecided)
        if number == 0:
            found = [*(found if members == size else []), kept | undecided]
            size = members
            if any_will_do:
                break
        elif members - _pairs(conflicts, undecided) >= size:
            bit = 1 << row
            left += [(kept | bit, undecided & ~(conflicts[row] | bit)), (kept, undecided & ~bit)]
    return found


def _most_conflicts(conflicts: list[int], undecided: int) -> tuple[int, int]:
    """The row that has most conflicts with others that are undecided, and how many."""
    return max(
        ((row, (conflicts[row] & undecided).bit_count()) for row in _rows(undecided)),
        key=lambda found: found[1],
        default=(0, 0),
    )


def _pairs(conflicts: list[int], undecided: int) -> int:
    """Pairs in conflict that share no row: one row of each must go, at least."""
    pairs = 0
    for row in _rows(undecided):
        if undecided >> row & 1 and (others := conflicts[row] & undecided):
            undecided &= ~(1 << row | others & -others)
            pairs += 1
    return pairs


def _rows(bits: int) -> list[int]:
    """The rows that the bits of a number stand for."""
    found = []
    while bits:
        found.append((bits & -bits).bit_length() - 1)
        bits &= bits - 1
    return found
