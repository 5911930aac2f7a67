from itertools import permutations

import torch
from hypothesis import find, given
from hypothesis import strategies as st

from fedprop.properties import Case, cases
from fedprop.properties.strategies import byzantine_rows, collinear, duplicated, places, tied


@given(st.integers(0, 3).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1, extra=2, max_dim=2)))
def test_cases_are_what_they_promise(case: Case) -> None:
    n, d = case.rows.shape
    assert max(2 * case.f + 1, case.f + 1) <= n <= 2 * case.f + 3
    assert 1 <= d <= 2
    assert case.rows.dtype == torch.float32
    assert torch.isfinite(case.rows).all()
    assert case.honest.count(False) == case.f


def test_cases_shrink_to_zeros() -> None:
    case = find(cases(f=1, min_rows=3), lambda _: True)
    assert case.rows.tolist() == [[0.0]] * 3
    assert repr(case) == "Case(rows=[[0.0], [0.0], [0.0]], byzantine=[0], seed=0)"


def test_huge_attackers_and_close_clusters_far_out_occur() -> None:
    huge = find(cases(f=1, min_rows=3), lambda case: float(case.rows.abs().max()) >= 1e20)
    far = find(cases(f=0, min_rows=3), lambda case: 0 < float(case.rows.std()) < 1e-2 and float(case.rows.mean()) > 500)
    assert (huge.f, far.f) == (1, 0)


@given(tied(4, 2))
def test_tied(grid: list[list[int]]) -> None:
    assert {v for row in grid for v in row} <= {-1, 0, 1}


@given(duplicated(6, 2))
def test_duplicated(grid: list[list[int]]) -> None:
    assert len(grid) == 6
    assert len({tuple(row) for row in grid}) <= 3


@given(collinear(5, 3))
def test_collinear(grid: list[list[int]]) -> None:
    assert torch.linalg.matrix_rank(torch.tensor(grid, dtype=torch.float64)) <= 1


def test_places_are_all_those_there_are_and_each_once() -> None:
    found = [find(places(3, 2), lambda drawn, pair=pair: tuple(drawn) == pair) for pair in permutations(range(3), 2)]
    assert found == [list(pair) for pair in permutations(range(3), 2)]


@given(places(9, 4))
def test_no_place_is_taken_twice(drawn: list[int]) -> None:
    assert len(set(drawn)) == 4
    assert set(drawn) <= set(range(9))


def test_attackers_may_collude() -> None:
    rows = find(byzantine_rows(3, 2), lambda rows: bool((rows[0] == rows[1]).all() and rows.abs().sum() > 0))
    assert rows.shape == (3, 2)
