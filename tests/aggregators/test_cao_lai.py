"""Cao and Lai's rule by hand: who lies in the ball around the server's update, and what is made of them."""

import pytest
import torch

from fedprop.aggregators import CaoLai, Cohort, Reference
from fedprop.errors import InvalidUpdates, ServerUnknown


def asked(rule, rows, reference, dtype=torch.float64):
    server = Reference(torch.tensor(reference, dtype=dtype))
    return rule.aggregate(Cohort(torch.tensor(rows, dtype=dtype), server=server))


def test_rows_in_the_ball_are_averaged_with_the_reference():
    """The ball around (4, 0) has radius 2: the first two rows lie in it, on its edge the second."""
    answer = asked(CaoLai(xi=0.5), [[5.0, 1.0], [4.0, -2.0], [1.5, 0.0], [-4.0, 0.0]], [4.0, 0.0])
    assert answer.value.tolist() == pytest.approx([13 / 3, -1 / 3])
    assert answer.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 0.0, 0.0])


def test_the_reference_may_count_for_more_rows():
    assert asked(CaoLai(xi=0.5, weight=3.0), [[4.0, 2.0]], [4.0, 0.0]).value.tolist() == pytest.approx([4.0, 0.5])


def test_it_stands_alone_where_nobody_is_near():
    assert asked(CaoLai(xi=0.5), [[9.0, 0.0], [-9.0, 0.0]], [4.0, 1.0]).value.tolist() == [4.0, 1.0]
    assert asked(CaoLai(xi=0.5), [[1.0, 0.0], [0.0, 0.0]], [0.0, 0.0]).weights.tolist() == [0.0, 0.5]


def test_huge_and_tiny_numbers_are_told_apart():
    answer = asked(CaoLai(xi=0.5), [[1e300, 1e300], [1.25e300, 0.0]], [1e300, 0.0])
    assert answer.value.tolist() == pytest.approx([1.125e300, 0.0])
    answer = asked(CaoLai(xi=0.5), [[1e300, 0.0], [1.25e-300, 0.0]], [1e-300, 0.0])
    assert answer.value.tolist() == pytest.approx([1.125e-300, 0.0], abs=0.0)


def test_rows_alone_and_updates_unlike_them_are_refused():
    with pytest.raises(ServerUnknown, match="`server` must be given with the cohort"):
        CaoLai(xi=0.5)(torch.ones(1, 2))
    with pytest.raises(InvalidUpdates, match=r"finite with shape \[2\] for CaoLai; found \[1\], 1 finite"):
        asked(CaoLai(xi=0.5), [[1.0, 2.0]], [1.0])
