"""Inner product manipulation by hand, and its theorem: the mean turns round iff epsilon > (n - m) / m."""

import pytest
import torch

from fedprop.attacks import IPM
from fedprop.errors import TooFewUpdates


def mean(rows, f):
    return rows.mean(dim=0), torch.full((len(rows),), 1 / len(rows))


def test_the_honest_mean_turned_round(view):
    seen = view([[9.0, 9.0], [8.0, 8.0]], [[1.0, 2.0], [3.0, -2.0]])
    assert IPM(epsilon=0.5).craft(seen).tolist() == [[-1.0, 0.0]] * 2
    assert IPM(epsilon=2.0, knowledge="partial").craft(seen).tolist() == [[-17.0, -17.0]] * 2


@pytest.mark.parametrize(("epsilon", "sign"), [(1.4, 1), (1.5, 0), (1.6, -1)])
def test_three_honest_and_two_crafted_rows_turn_round_at_three_halves(view, epsilon, sign):
    seen = view([[0.0, 0.0]] * 2, [[1.0, 1.0], [2.0, -1.0], [3.0, 6.0]])
    answer = torch.cat([seen.others, IPM(epsilon=epsilon).craft(seen)]).mean(dim=0)
    product = float(answer @ seen.others.mean(dim=0))
    assert product == pytest.approx(0, abs=1e-12) if sign == 0 else product * sign > 0.05


def test_the_search_goes_as_far_as_the_rule_follows(view):
    """Before a rule that leaves out rows beyond 7 from zero, and a mean 2, epsilon = 3.5 is the most."""

    def near(rows, f):
        kept = rows.abs().amax(dim=1) <= 7
        return rows[kept].mean(dim=0), kept.double()

    seen = view([[0.0]], [[1.0], [3.0]], assumed=near)
    assert -7 <= IPM(search=True).craft(seen).item() < -5
    assert IPM(search=True).craft(view([[0.0]], [[1.0], [3.0]], assumed=mean)).item() < -1e6


def test_a_rule_that_refuses_is_met_with_epsilon(view):
    def refuses(rows, f):
        raise TooFewUpdates("`f` is too large")

    assert IPM(search=True, epsilon=3.0).craft(view([[0.0]], [[1.0], [3.0]], assumed=refuses)).item() == -6.0
