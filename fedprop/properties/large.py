"""Large inputs, for code that changes its ways with their size: many rows, many columns, large claimed counts.

A few small integers are spread out: the first row, the last row, and one for all rows between them; columns likewise.
Numbers drawn from a seed come on top. So an input of thousands of numbers is drawn in a few choices, and what goes
wrong on it shrinks to a matrix of few different rows and columns, the plainest of which has a first row of ones.
"""

from collections.abc import Sequence

import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.properties import moves
from fedprop.properties.case import Case
from fedprop.properties.strategies import FAR, PLACEMENTS, SEEDS, SHOWN, between, grids, places
from fedprop.types import Updates

TALL = ((10, 24), (25, 49), (50, 99), (100, 130))
"""Ranges of n, each tried for itself: below and above sizes at which code is known to take another way."""

WIDE = ((4, 31), (32, 99), (100, 259), (260, 999), (1000, 1100))
"""Ranges of d, each tried for itself, for the same reason."""

DISTINCT = 3
"""Rows, and columns, that are drawn one by one; the others repeat them, since drawing all would take too long."""

LOUD = (0, 1, 8, 997)
"""How large the numbers on top may be: none, ties everywhere, some, hardly any."""

PLACES = (*PLACEMENTS, (0.0, 2.0**40))

HOW_LOUD, ANYWHERE = st.sampled_from(LOUD), st.sampled_from(PLACES)


@st.composite
def large_cases(draw: st.DrawFn, *, f: int, rows: tuple[int, int], columns: tuple[int, int]) -> Case:
    """Rows with `f` Byzantine ones among them; how many rows and columns there are lies in these ranges."""
    n, d = draw(between(*rows)), draw(between(*columns))
    grid = spread_out(draw(_few(n, d)), n, d)
    grid[0] += 1
    grid += noise(n, d, draw(HOW_LOUD), seed=draw(SEEDS))
    byzantine = draw(places(n, f))
    if byzantine:
        crafted, shown = draw(_few(f, d)), draw(SHOWN)
        if shown:
            grid[byzantine] = spread_out(crafted, f, d) * draw(FAR)
    offset, spread = draw(ANYWHERE)
    seed = draw(SEEDS)
    honest = tuple(i not in byzantine for i in range(n))
    return Case((offset + spread * grid).float(), honest, f, seed, moves.counts(n, seed))


def _few(n: int, d: int) -> st.SearchStrategy[Sequence[Sequence[int]]]:
    return grids(min(n, DISTINCT), min(d, DISTINCT))


def spread_out(few: Sequence[Sequence[int]], n: int, d: int) -> Updates:
    """A matrix [n, d] whose first and last row, and column, are those of a few numbers; what is between is repeated."""
    numbers = torch.tensor(few, dtype=torch.float64)
    return numbers[_stretched(len(numbers), n)][:, _stretched(numbers.shape[1], d)]


def _stretched(few: int, size: int) -> Tensor:
    """Which of a few stands where: 0, 1, ..., 1, 2."""
    places = torch.arange(size).clamp(max=min(few - 1, 1))
    places[-1] = few - 1
    return places


def noise(n: int, d: int, loud: int, *, seed: int) -> Updates:
    """Integers [n, d] between -loud and loud."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-loud, loud + 1, (n, d), generator=generator).double()
