"""Hypothesis strategies for the rows that rules meet: honest clusters, attackers, and the awkward corners.

Rows are small integers, placed: offset + spread * integers, with spreads that are powers of two. So counterexamples
shrink to readable numbers, ties and duplicates are frequent, and a shift by integers or a scaling by a power of two
is exact, which means that a difference found is the rule's and not the test's.

Hypothesis looks at every new strategy anew, which takes as long as a draw from it: so they are made once and kept.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

import torch
from hypothesis import strategies as st

from fedprop.properties import moves
from fedprop.properties.case import Case

Grid: TypeAlias = list[list[int]]

PLACEMENTS = ((0.0, 1.0), (1.0, 0.5), (1000.0, 2.0**-10), (-1000.0, 2.0**-12), (0.0, 2.0**-20), (2.0**20, 1.0))
"""Pairs (offset, spread), the plain one first. At offset 1000 the rows differ in the last few float32 bits only."""

REACHES = (1.0, 10.0, 1e3, 1e6, 1e20)
"""How far, in honest spreads, a Byzantine row may lie; the square of the last one overflows float32."""


SEPARATION_TRIES = 6
"""Most draws for one case that tells a definition from a misreading; after these, the last draw is taken as it is."""

Definition: TypeAlias = Callable[[list[list[float]]], list[float]]


@cache
def integers(count: int, least: int, most: int) -> st.SearchStrategy[tuple[int, ...]]:
    """A tuple of `count` integers; several times as fast to draw as a list of a fixed length."""
    return st.tuples(*[st.integers(least, most)] * count)


@cache
def between(least: int, most: int) -> st.SearchStrategy[int]:
    """An integer."""
    return st.integers(least, most)


@cache
def places(n: int, count: int) -> st.SearchStrategy[list[int]]:
    """`count` different numbers below n, in any order."""
    return st.tuples(*(between(0, n - 1 - k) for k in range(count))).map(lambda drawn: _of_those_left(n, drawn))


def _of_those_left(n: int, drawn: Sequence[int]) -> list[int]:
    left = list(range(n))
    return [left.pop(k) for k in drawn]


@cache
def grids(n: int, d: int, *, reach: int = 8) -> st.SearchStrategy[Grid]:
    """Matrices of integers between -reach and reach."""
    return integers(n * d, -reach, reach).map(lambda flat: [list(flat[i * d : (i + 1) * d]) for i in range(n)])


@cache
def tied(n: int, d: int) -> st.SearchStrategy[Grid]:
    """Entries from {-1, 0, 1}: most distances occur more than once."""
    return grids(n, d, reach=1)


@cache
def duplicated(n: int, d: int) -> st.SearchStrategy[Grid]:
    """At most three different rows."""
    return st.tuples(grids(3, d), integers(n, 0, 2)).map(lambda drawn: [list(drawn[0][k]) for k in drawn[1]])


@cache
def collinear(n: int, d: int) -> st.SearchStrategy[Grid]:
    """All rows on one line through the origin."""
    return st.tuples(grids(1, d), grids(n, 1)).map(lambda drawn: [[t * u for u in drawn[0][0]] for (t,) in drawn[1]])


@cache
def one_sided(n: int, d: int) -> st.SearchStrategy[Grid]:
    """All rows on one side of the origin: positive multiples of one direction, where trust and cosines collapse."""
    return st.tuples(grids(1, d), integers(n, 1, 8)).map(lambda drawn: [[t * u for u in drawn[0][0]] for t in drawn[1]])


@cache
def scattered(n: int, d: int) -> st.SearchStrategy[Grid]:
    """Each row stands out in one coordinate: whoever judges coordinates one by one has something against everybody."""
    return st.tuples(st.integers(0, d - 1), integers(n, -8, 8)).map(
        lambda drawn: [[size if k == (drawn[0] + i) % d else 0 for k in range(d)] for i, size in enumerate(drawn[1])]
    )


@cache
def irregular(n: int, d: int) -> st.SearchStrategy[Grid]:
    """Entries so large that hardly two distances are equal."""
    return grids(n, d, reach=997)


SHAPES: tuple[Callable[[int, int], st.SearchStrategy[Grid]], ...] = (
    grids,
    tied,
    duplicated,
    collinear,
    one_sided,
    scattered,
    irregular,
)
"""Every kind of grid, the plain one first."""

ANY_SHAPE = st.sampled_from(SHAPES)
PLACED = st.sampled_from(PLACEMENTS)
FAR = st.sampled_from(REACHES)
SHOWN = st.sampled_from((True, True, False))
"""Whether Byzantine rows show, rather than look like honest ones."""
SEEDS = st.integers(0, 2**16)


@st.composite
def cases(draw: st.DrawFn, *, f: int, min_rows: int = 1, extra: int = 4, max_dim: int = 3) -> Case:
    """Honest rows of any shape and place with `f` Byzantine rows among them.

    There are between `min_rows` (and at least f + 1) and `extra` more rows, in up to `max_dim` dimensions. In one case
    of three the Byzantine rows look like honest ones.
    """
    fewest = max(min_rows, f + 1)
    n, d = draw(between(fewest, fewest + extra)), draw(between(1, max_dim))
    grid = draw(draw(ANY_SHAPE)(n, d))
    offset, spread = draw(PLACED)
    byzantine = draw(places(n, f))
    rows = torch.tensor(grid, dtype=torch.float64)
    if byzantine:
        crafted, shown = draw(byzantine_rows(f, d)), draw(SHOWN)
        if shown:
            rows[byzantine] = crafted
    honest = tuple(i not in byzantine for i in range(n))
    seed = draw(SEEDS)
    return Case((offset + spread * rows).float(), honest, f, seed, moves.counts(n, seed))


@cache
def byzantine_rows(f: int, d: int) -> st.SearchStrategy[torch.Tensor]:
    """Rows [f, d] near or far, each for itself or all the same."""
    return st.tuples(st.one_of(grids(f, d), grids(1, d)), FAR).map(
        lambda drawn: (torch.tensor(drawn[0], dtype=torch.float64) * drawn[1]).expand(f, d)
    )


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
