"""Ordering every column of a block at once: a fixed list of comparisons, each between two whole rows."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]


class Comparator(NamedTuple):
    """Puts the smaller of two rows' values first, column by column.

    Attributes
    ----------
    first, second : the rows.
    smaller, larger : whether anybody asks later for what comes out at `first`, and at `second`.
    """

    first: int
    second: int
    smaller: bool
    larger: bool


@cache
def network(n: int, wanted: range) -> tuple[Comparator, ...]:
    """Comparators that bring the order statistics `wanted` of n values to their places.

    Batcher's merge exchange (AFIPS 1968; Knuth, The Art of Computer Programming 3, Algorithm 5.2.2M), about
    n (log2 n)^2 / 4 comparators, without those that no wanted place depends on.

    >>> network(3, range(1, 2))[-1]
    Comparator(first=1, second=2, smaller=True, larger=False)
    """
    asked, kept = set(wanted), []
    for first, second in reversed(_merge_exchange(n)):
        smaller, larger = first in asked, second in asked
        if smaller or larger:
            kept.append(Comparator(first, second, smaller, larger))
            asked |= {first, second}
    return tuple(reversed(kept))


def _merge_exchange(n: int) -> list[tuple[int, int]]:
    """All comparators, in the order of their use."""
    pairs = []
    top = 1 << max(0, (n - 1).bit_length() - 1)
    p = top
    while p:
        q, offset, distance = top, 0, p
        while True:
            pairs += [(i, i + distance) for i in range(n - distance) if i & p == offset]
            if q == p:
                break
            distance, q, offset = q - p, q // 2, p
        p //= 2
    return pairs


def order_columns(block: Numbers, wanted: range) -> list[Numbers]:
    """The order statistics `wanted` of the columns of `block` [n, w], smallest first, as arrays [w] of their own."""
    rows, spare = [np.array(row) for row in block], np.empty_like(block[0])
    for first, second, smaller, larger in network(len(block), wanted):
        one, other = rows[first], rows[second]
        if not larger:
            np.minimum(one, other, out=one)
        elif not smaller:
            np.maximum(one, other, out=other)
        else:
            np.minimum(one, other, out=spare)
            np.maximum(one, other, out=other)
            rows[first], spare = spare, one
    return [rows[place] for place in wanted]
