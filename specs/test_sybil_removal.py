"""Sybil direction removal drops copies where directions differ, keeps all where they do not, and never drops everybody.

The step is Algorithm 2 of Lu et al. 2024 (HeteroFL): with s_i the sum of the h = ceil(n / 2) highest cosines of row i,
itself included, it drops the rows with s_i > 2 (median + median deviation). The paper says that it removes excessively
similar updates; the statements here are ours, and say when. In the other reading (`self_similarity` off) a row's own
cosine is not among them, and the bound is at least 0.

Copies. *Preconditions:* n rows, k < n / 2 of them copies of u up to their lengths; all others have the cosine c with u
and with each other, 0 <= c < 1. The copies are dropped if and only if k (1 - c) > 2 + (h - 2) c, and no other row ever
is. *Proof.* k < h, so a copy scores k + (h - k) c and any other row 1 + (h - 1) c. These are more than half, so both
rows in the middle are among them: that is the median, and the median deviation is 0. Compare the first with twice the
second. Without their own cosines, scores are k - 1 + (h - k + 1) c and h c, and the condition is (k - 1) (1 - c) > h c.

All alike. *Precondition:* no two of more than half of the rows have a cosine below 1/2. Then nobody is dropped.
*Proof.* Each of these rows has h such cosines, itself included: it scores at least 1 + (h - 1) / 2 > h / 2, and so does
the median. Twice that is more than h, the largest score there is.

Somebody stays. *Precondition:* none. *Proof.* A set M of at least h rows has a member with s >= 0: the squared length
of the sum of their directions is not negative, so some row's cosines with all of M add up to 0 or more, and the h
highest of at least h numbers average to no less. So the median is not negative, and a row with it is not beyond the
bound. Without their own cosines the median may be negative, as it is for three rows at 120 degrees; the bound of at
least 0 is not below it then, either. Without that bound all three would go.
"""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import Cohort, SybilRemoval
from fedprop.properties import cases


def equiangular(n: int, c: float) -> torch.Tensor:
    """Rows [n, n + 1] whose pairwise cosines are c."""
    return torch.cat([math.sqrt(c) * torch.ones(n, 1), math.sqrt(1 - c) * torch.eye(n)], dim=1).double()


def with_copies(n: int, k: int, c: float, seed: int) -> tuple[torch.Tensor, set[int]]:
    """Rows of any lengths in any order, k of them copies of one direction, and the places of these."""
    draw = torch.Generator().manual_seed(seed)
    order = torch.randperm(n, generator=draw)
    rows = equiangular(n - k + 1, c)[[*range(n - k), *[n - k] * k]][order]
    sizes = torch.randn(n, 1, generator=draw).exp()
    return sizes * rows, {i for i, place in enumerate(order.tolist()) if place >= n - k}


def left(rows: torch.Tensor, own: bool = True) -> set[int]:
    return set(SybilRemoval(self_similarity=own).answer(Cohort(rows), None).cohort.clients)


@given(
    n=st.integers(3, 30),
    share=st.floats(0, 1),
    c=st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.7]),
    own=st.booleans(),
    seed=st.integers(0, 999),
)
def test_copies_go_exactly_under_the_stated_condition(n: int, share: float, c: float, own: bool, seed: int) -> None:
    k, h = 1 + int(share * ((n - 1) // 2 - 1)), math.ceil(n / 2)
    rows, copies = with_copies(n, k, c, seed)
    over = k * (1 - c) - 2 - (h - 2) * c if own else (k - 1) * (1 - c) - h * c
    assert left(rows, own) == set(range(n)) - (copies if over > 1e-9 else set())


@pytest.mark.parametrize(
    ("n", "k", "c", "gone", "others"), [(20, 3, 0, 3, 3), (20, 2, 0, 0, 2), (20, 7, 0.3, 7, 7), (20, 5, 0.3, 0, 0)]
)
def test_the_condition_in_numbers(n: int, k: int, c: float, gone: int, others: int) -> None:
    """Three copies among orthogonal rows, or two; at a cosine of 0.3 it takes seven of twenty, or six."""
    rows, _ = with_copies(n, k, c, 0)
    assert (n - len(left(rows)), n - len(left(rows, own=False))) == (gone, others)


def test_one_copy_less_is_enough_without_their_own_cosines() -> None:
    rows, copies = with_copies(20, 6, 0.3, 0)
    assert (left(rows), left(rows, own=False)) == (set(range(20)), set(range(20)) - copies)


def test_copies_that_are_half_are_no_minority_and_stay() -> None:
    """Just outside the precondition: 5 of 10, where the median lies between both scores, and the deviation is not 0."""
    assert len(left(with_copies(10, 4, 0.0, 0)[0])) == 6
    assert len(left(with_copies(10, 5, 0.0, 0)[0])) == 10


@given(n=st.integers(1, 15), far=st.integers(0, 7), seed=st.integers(0, 999))
def test_nobody_goes_where_most_are_alike(n: int, far: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    far = min(far, (n - 1) // 2)
    # A direction at most 30 degrees from an axis is at most 60 from another such one.
    alike = torch.nn.functional.normalize(torch.randn(n - far, 5, generator=draw).double(), dim=1) * 0.5
    rows = torch.cat([alike + torch.eye(5)[0], torch.randn(far, 5, generator=draw).double()])
    assert len(left(rows[torch.randperm(n, generator=draw)])) == n


def test_below_a_cosine_of_one_half_alike_rows_may_go() -> None:
    """Cosines of 0.3 among all, and a majority that is alike: seven copies of twenty are taken for sybils."""
    assert len(left(with_copies(20, 7, 0.3, 1)[0])) == 13


@given(case=cases(f=2, min_rows=3), times=st.sampled_from([1.0, 1.5, 2.0]), own=st.booleans())
def test_somebody_always_stays(case, times: float, own: bool) -> None:
    assert len(SybilRemoval(times=times, self_similarity=own)(case.rows)) >= 1


@pytest.mark.parametrize("n", range(2, 12))
def test_somebody_stays_where_nobody_has_company(n: int) -> None:
    """The corners of a simplex: each cosine is -1 / (n - 1), and so is each score negative without one's own."""
    assert len(left(torch.eye(n, dtype=torch.float64) - 1 / n, own=False)) == n
