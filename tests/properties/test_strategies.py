import pytest
import torch
from hypothesis import find, given
from hypothesis import strategies as st
from torch import Tensor

from fedprop.properties import Case, cases
from fedprop.properties.digits import made_of_digits
from fedprop.properties.strategies import (
    SHAPES,
    Shape,
    byzantine_rows,
    collinear,
    duplicated,
    grids,
    one_sided,
    scattered,
    tied,
)


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


@given(grids(tied, 4, 2))
def test_tied(rows: Tensor) -> None:
    assert set(rows.flatten().tolist()) <= {-1, 0, 1}


@given(grids(duplicated, 6, 2))
def test_duplicated(rows: Tensor) -> None:
    assert rows.shape == (6, 2)
    assert len(rows.unique(dim=0)) <= 3


@given(grids(collinear, 5, 3))
def test_collinear(rows: Tensor) -> None:
    assert torch.linalg.matrix_rank(rows) <= 1


@given(grids(one_sided, 5, 3))
def test_one_sided(rows: Tensor) -> None:
    assert ((rows @ rows.T) >= 0).all()
    assert torch.linalg.matrix_rank(rows) <= 1


@given(grids(scattered, 5, 3))
def test_scattered(rows: Tensor) -> None:
    assert (rows.count_nonzero(dim=1) <= 1).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_its_largest_entries_on_both_sides(shape: Shape) -> None:
    least = -1 if shape is not one_sided else -8
    assert find(grids(shape, 3, 2), lambda rows: bool(rows.min() <= least and rows.max() >= 1)).shape == (3, 2)


def test_attackers_may_collude() -> None:
    colluding = find(
        made_of_digits(lambda digits: byzantine_rows(digits, 3, 2)),
        lambda rows: bool((rows[0] == rows[1]).all() and rows.abs().sum() > 0),
    )
    assert colluding.shape == (3, 2)
