"""Large inputs, for code that changes its ways with their size: many rows, many columns, large claimed counts.

A few small integers are spread out: the first row, the last row, and one for all rows between them; columns likewise.
Numbers drawn from a seed come on top. So an input of thousands of numbers is drawn in a few choices, and what goes
wrong on it shrinks to a matrix of few different rows and columns, the plainest of which has a first row of ones.
"""

from functools import partial

import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.properties import moves
from fedprop.properties.case import Case
from fedprop.properties.digits import Digits, made_of_digits, signed
from fedprop.properties.strategies import PLACEMENTS, REACH, REACHES, SHOWN, as_rows
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


def large_cases(*, f: int, rows: tuple[int, int], columns: tuple[int, int]) -> st.SearchStrategy[Case]:
    """Rows with `f` Byzantine ones among them; how many rows and columns there are lies in these ranges."""
    return made_of_digits(partial(_large_case, f=f, rows=rows, columns=columns))


def _large_case(digits: Digits, *, f: int, rows: tuple[int, int], columns: tuple[int, int]) -> Case:
    n, d = digits.between(*rows), digits.between(*columns)
    grid = spread_out(_few(digits, n, d), n, d)
    grid[0] += 1
    grid += noise(n, d, digits.among(LOUD), seed=digits.one())
    byzantine = digits.places(n, f)
    crafted, shown, reach = _few(digits, f, d), digits.among(SHOWN), digits.among(REACHES)
    if byzantine and shown:
        grid[byzantine] = spread_out(crafted, f, d) * reach
    offset, spread = digits.among(PLACES)
    seed = digits.one()
    honest = tuple(i not in byzantine for i in range(n))
    return Case((offset + spread * grid).float(), honest, f, seed, moves.counts(n, seed))


def _few(digits: Digits, n: int, d: int) -> Updates:
    """The rows and columns of a matrix [n, d] that are drawn one by one."""
    entries = digits.take(DISTINCT, DISTINCT)[: min(n, DISTINCT), : min(d, DISTINCT)]
    return as_rows(signed(entries, REACH))


def spread_out(few: Updates, n: int, d: int) -> Updates:
    """A matrix [n, d] whose first and last row, and column, are those of a few numbers; what is between is repeated."""
    return few[_stretched(len(few), n)][:, _stretched(few.shape[1], d)]


def _stretched(few: int, size: int) -> Tensor:
    """Which of a few stands where: 0, 1, ..., 1, 2."""
    places = torch.arange(size).clamp(max=min(few - 1, 1))
    places[-1] = few - 1
    return places


def noise(n: int, d: int, loud: int, *, seed: int) -> Updates:
    """Integers [n, d] between -loud and loud."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-loud, loud + 1, (n, d), generator=generator).double()
