"""Hypothesis strategies for the rows that rules meet: honest clusters, attackers, and the awkward corners.

Rows are small integers, placed: offset + spread * integers, with spreads that are powers of two. So counterexamples
shrink to readable numbers, ties and duplicates are frequent, and a shift by integers or a scaling by a power of two
is exact, which means that a difference found is the rule's and not the test's.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.properties import moves
from fedprop.properties.case import Case
from fedprop.properties.digits import Digits, Numbers, made_of_digits, signed

Shape: TypeAlias = Callable[[Numbers, Numbers], Numbers]
"""Integers [n, d] from one digit for each entry, [n, d], and one for each row, [n]."""

PLACEMENTS = ((0.0, 1.0), (1.0, 0.5), (1000.0, 2.0**-10), (-1000.0, 2.0**-12), (0.0, 2.0**-20), (2.0**20, 1.0))
"""Pairs (offset, spread), the plain one first. At offset 1000 the rows differ in the last few float32 bits only."""

REACHES = (1.0, 10.0, 1e3, 1e6, 1e20)
"""How far, in honest spreads, a Byzantine row may lie; the square of the last one overflows float32."""

REACH = 8
"""How large entries are, usually."""

SHOWN = (True, True, False)
"""Whether Byzantine rows show, rather than look like honest ones."""

SEPARATION_TRIES = 6
"""Most draws for one case that tells a definition from a misreading; after these, the last draw is taken as it is."""

Definition: TypeAlias = Callable[[list[list[float]]], list[float]]


def regular(entries: Numbers, rows: Numbers) -> Numbers:
    """Entries between -8 and 8."""
    return signed(entries, REACH)


def tied(entries: Numbers, rows: Numbers) -> Numbers:
    """Entries from {-1, 0, 1}: most distances occur more than once."""
    return signed(entries, 1)


def duplicated(entries: Numbers, rows: Numbers) -> Numbers:
    """At most three different rows."""
    return signed(entries, REACH)[rows % min(3, len(rows))]


def collinear(entries: Numbers, rows: Numbers) -> Numbers:
    """All rows on one line through the origin."""
    return signed(rows, REACH)[:, None] * signed(entries[:1], REACH)


def one_sided(entries: Numbers, rows: Numbers) -> Numbers:
    """All rows on one side of the origin: positive multiples of one direction, where trust and cosines collapse."""
    return (1 + rows % REACH)[:, None] * signed(entries[:1], REACH)


def scattered(entries: Numbers, rows: Numbers) -> Numbers:
    """Each row stands out in one coordinate: whoever judges coordinates one by one has something against everybody."""
    n, d = entries.shape
    outstanding = (entries[0, 0] + np.arange(n)) % d
    return np.where(np.arange(d) == outstanding[:, None], signed(rows, REACH)[:, None], 0)


def irregular(entries: Numbers, rows: Numbers) -> Numbers:
    """Squares of numbers up to 127, with their signs: hardly two distances are equal."""
    roots = signed(entries, 127)
    return roots * np.abs(roots)


SHAPES: tuple[Shape, ...] = (regular, tied, duplicated, collinear, one_sided, scattered, irregular)
"""Every kind of matrix, the plain one first."""


def grids(shape: Shape, n: int, d: int) -> st.SearchStrategy[Tensor]:
    """Matrices [n, d] of one kind."""
    return made_of_digits(lambda digits: as_rows(shape(digits.take(n, d), digits.take(n))))


def cases(*, f: int, min_rows: int = 1, extra: int = 4, max_dim: int = 3) -> st.SearchStrategy[Case]:
    """Honest rows of any shape and place with `f` Byzantine rows among them.

    There are between `min_rows` (and at least f + 1) and `extra` more rows, in up to `max_dim` dimensions. In one case
    of three the Byzantine rows look like honest ones.
    """
    fewest = max(min_rows, f + 1)
    return made_of_digits(partial(_case, f=f, rows=(fewest, fewest + extra), max_dim=max_dim))


def _case(digits: Digits, *, f: int, rows: tuple[int, int], max_dim: int) -> Case:
    n, d = digits.between(*rows), digits.between(1, max_dim)
    drawn = digits.take(rows[1], max_dim)[:n, :d], digits.take(rows[1])[:n]
    grid = as_rows(digits.among(SHAPES)(*drawn))
    offset, spread = digits.among(PLACEMENTS)
    byzantine = digits.places(n, f)
    crafted, shown = byzantine_rows(digits, f, max_dim)[:, :d], digits.among(SHOWN)
    if shown:
        grid[byzantine] = crafted
    honest = tuple(i not in byzantine for i in range(n))
    seed = digits.one()
    return Case((offset + spread * grid).float(), honest, f, seed, moves.counts(n, seed))


def byzantine_rows(digits: Digits, f: int, d: int) -> Tensor:
    """Rows [f, d] near or far, each for itself or all the same."""
    rows, collude, reach = digits.take(f, d), digits.among((False, True)), digits.among(REACHES)
    return as_rows(signed(rows[:1] if collude else rows, REACH)).mul(reach).expand(f, d)


def as_rows(numbers: Numbers) -> Tensor:
    """Integers as a matrix of rows, in float64."""
    return torch.from_numpy(numbers.astype(np.float64))


@st.composite
def separating(draw: st.DrawFn, drawn: st.SearchStrategy[Case], definitions: tuple[Definition, Definition]) -> Case:
    """A case on which two definitions differ, if a few draws find one; else the last one drawn."""
    right, wrong = definitions
    for _ in range(SEPARATION_TRIES):
        case = draw(drawn)
        rows = case.rows.double().tolist()
        if differ(right(rows), wrong(rows)):
            break
    return case


def differ(a: list[float], b: list[float]) -> bool:
    """Whether two answers differ beyond rounding."""
    return any(abs(x - y) > 1e-6 * max(abs(x), abs(y), 1e-12) for x, y in zip(a, b, strict=True))
