"""A Little Is Enough, by hand: 10 clients of whom 4 attack; 6 stand for a majority, so 2 of 6 honest must support."""

from statistics import NormalDist

import pytest
import torch

from fedprop.attacks import ALIE
from fedprop.attacks.alie import WIDEST, z_max


def test_the_number_of_deviations_by_hand():
    """s = floor(10 / 2 + 1) - 4 = 2 supporters; Phi(z) = (6 - 2) / 6."""
    assert z_max(10, 4) == pytest.approx(NormalDist().inv_cdf(2 / 3))
    assert z_max(10, 4) == pytest.approx(0.4307, abs=1e-4)


@pytest.mark.parametrize(("n", "m", "z"), [(2, 1, 0.0), (1, 1, 0.0), (10, 6, WIDEST), (5, 5, WIDEST), (4, 9, WIDEST)])
def test_where_the_formula_ends(n, m, z):
    assert z_max(n, m) == z


def test_few_attackers_have_less_than_no_room():
    """One of five: 3 stand for a majority, 2 of 4 must support: z is 0; one of 4: 2 of 3, z is below."""
    assert z_max(5, 1) == 0.0
    assert z_max(4, 1) < 0


def test_all_send_the_mean_less_so_many_population_deviations(view):
    """Means 3 and 0; deviations 2 (of 1 and 5) and 4 (of 4 and -4)."""
    seen = view([[1.0, 4.0], [5.0, -4.0]])
    assert ALIE(z=0.5).craft(seen).tolist() == [[2.0, -2.0]] * 2
    assert ALIE(z=0.5, knowledge="full").craft(view([[9.0, 9.0]], [[1.0, 4.0], [5.0, -4.0]])).tolist() == [[2.0, -2.0]]


def test_z_follows_from_those_that_the_server_averages(view):
    seen = view([[1.0], [5.0]])
    assert seen.received == 4
    expected = 3.0 - 2.0 * z_max(4, 2)
    torch.testing.assert_close(ALIE().craft(seen), torch.full((2, 1), expected, dtype=torch.float64))
