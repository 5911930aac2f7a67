"""Large inputs are what they promise, and the plainest of them is plain."""

import pytest
import torch
from hypothesis import find, given
from hypothesis import strategies as st

from fedprop.properties import Case
from fedprop.properties.large import TALL, WIDE, large_cases, noise, spread_out

SIZES = [(rows, (1, 3)) for rows in TALL] + [((3, 4), columns) for columns in WIDE]


def test_a_few_numbers_are_spread_out():
    assert spread_out(torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]), 4, 5).tolist() == [
        [1, 2, 2, 2, 3],
        [4, 5, 5, 5, 6],
        [4, 5, 5, 5, 6],
        [7, 8, 8, 8, 9],
    ]
    assert spread_out(torch.tensor([[1, 2], [3, 4]]), 2, 2).tolist() == [[1, 2], [3, 4]]
    assert spread_out(torch.tensor([[1]]), 2, 3).tolist() == [[1, 1, 1]] * 2


def test_noise_is_as_loud_as_it_says():
    assert not noise(3, 4, 0, seed=1).any()
    assert noise(50, 4, 8, seed=1).unique().tolist() == list(range(-8, 9))


@given(st.sampled_from(SIZES).flatmap(lambda size: large_cases(f=2, rows=size[0], columns=size[1])))
def test_cases_have_the_size_that_was_asked_for(case: Case) -> None:
    n, d = case.rows.shape
    assert any(least <= n <= most and low <= d <= high for (least, most), (low, high) in SIZES)
    assert case.rows.dtype == torch.float32
    assert torch.isfinite(case.rows).all()
    assert case.honest.count(False) == 2


@pytest.mark.parametrize(("rows", "columns"), [SIZES[1], SIZES[-1]])
def test_the_plainest_case_is_a_first_row_of_ones(rows, columns):
    case = find(large_cases(f=0, rows=rows, columns=columns), lambda _: True)
    assert case.rows.shape == (rows[0], columns[0])
    assert (case.rows.sum(dim=1).tolist(), case.seed) == ([columns[0]] + [0.0] * (rows[0] - 1), 0)
