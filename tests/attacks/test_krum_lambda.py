import math

import pytest
import torch

from fedprop.attacks.krum_lambda import first_lambda, krum_is_defined, lambda_bound, solve_lambda
from fedprop.errors import InvalidConfig, TooFewUpdates

PAIRS = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]], dtype=torch.float64)


def selects_up_to(limit):
    """A rule that selects the last row as long as it is small, and the first one otherwise."""

    def assumed(rows, f):
        weights = torch.zeros(len(rows))
        weights[-1 if rows[-1].abs().max() <= limit else 0] = 1
        return rows[0], weights

    return assumed


def test_krum_needs_more_than_twice_f_rows():
    assert krum_is_defined(5, 1)
    assert not krum_is_defined(4, 1)


def test_the_bound_of_one_crafted_row():
    # m = 5: S = 0 + 4, divided by m - 2c - 1 = 2; the longest row is 1.
    assert lambda_bound(PAIRS, 1) == pytest.approx(math.sqrt(2) + 1)


def test_the_bound_of_two_crafted_rows_in_two_dimensions():
    # m = 7, m - 2c - 1 = 2. The four nearest of the five others: from the origin 1, 1, 1, 1, so S = 4.
    benign = torch.tensor([[0.0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [3, 4]])
    assert lambda_bound(benign, 2) == pytest.approx(math.sqrt(4 / (3 * 2)) + 5 / math.sqrt(2))


def test_the_bound_does_not_cancel_far_from_the_origin():
    # Gram-based distances lose the spread entirely here; the first term must be that of the rows near zero.
    near = torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64) * 2.0**-20
    far = near + 2.0**20
    assert lambda_bound(far, 1) - float(far.max()) == pytest.approx(lambda_bound(near, 1) - float(near.max()), rel=1e-3)


def test_the_bound_does_not_overflow_in_single_precision():
    assert lambda_bound(1e30 * PAIRS.float(), 1) == pytest.approx(1e30 * (math.sqrt(2) + 1))


def test_the_bound_needs_a_crafted_row():
    with pytest.raises(InvalidConfig, match="`c` must be at least 1 for the bound on lambda; found 0"):
        lambda_bound(PAIRS, 0)


def test_the_bound_needs_enough_benign_rows():
    assert math.isfinite(lambda_bound(PAIRS, 2))
    with pytest.raises(TooFewUpdates, match=r"at least c \+ 2 rows for the bound on lambda; found 4 with c=3"):
        lambda_bound(PAIRS, 3)


def test_lambda_is_halved_from_the_bound_until_selected():
    bound = math.sqrt(2) + 1
    down = -torch.ones(1, dtype=torch.float64)
    assert solve_lambda(PAIRS, 1, down, selects_up_to(9), threshold=1e-5) == pytest.approx(bound)
    assert solve_lambda(PAIRS, 1, down, selects_up_to(1.5), threshold=1e-5) == pytest.approx(bound / 2)
    assert solve_lambda(PAIRS, 1, down, selects_up_to(1), threshold=1e-5) == pytest.approx(bound / 4)


def test_the_search_ends_below_the_threshold():
    up = torch.ones(1, dtype=torch.float64)
    assert solve_lambda(PAIRS, 1, up, selects_up_to(1e-3), threshold=1e-5) == pytest.approx((math.sqrt(2) + 1) / 2**12)
    assert solve_lambda(PAIRS, 1, up, selects_up_to(1e-3), threshold=1e-2) is None


def test_any_crafted_row_will_do():
    def first_crafted(rows, f):
        return rows[0], torch.tensor([0.0] * 5 + [1.0, 0.0])

    benign = torch.arange(5.0, dtype=torch.float64)[:, None]
    up = torch.ones(1, dtype=torch.float64)
    assert solve_lambda(benign, 2, up, first_crafted, threshold=1e-5) == lambda_bound(benign, 2)


def test_rows_that_leave_krum_undefined_are_not_asked_about(view):
    up = torch.ones(1, dtype=torch.float64)
    assert solve_lambda(PAIRS[:3], 1, up, view([[0.0]]).assumed, threshold=1e-5) is None


def test_rows_as_large_as_floats_get_are_searched():
    benign = torch.tensor([[3e38], [-3e38], [3e38], [-3e38]])
    largest = torch.finfo(torch.float32).max
    assert solve_lambda(benign, 1, torch.ones(1), selects_up_to(torch.inf), threshold=1e-5) == largest


def test_the_first_number_of_crafted_rows_with_an_answer_counts():
    benign, up = torch.tensor([[1.0], [1.0], [-1.0], [-1.0], [0.5], [0.25], [0.0]]), torch.ones(1)

    def krum_of_two(rows, f):
        """Selects a crafted row, which come last, only if there are two of them."""
        return rows[-1], torch.eye(len(rows))[-1 if f == 2 else 0]

    assert solve_lambda(benign, 1, up, krum_of_two, threshold=1e-5) is None
    second = solve_lambda(benign, 2, up, krum_of_two, threshold=1e-5)
    assert second is not None
    assert first_lambda(benign, (1, 2, 3), up, krum_of_two, threshold=1e-5) == second
    assert first_lambda(benign, (), up, krum_of_two, threshold=1e-5) is None
