"""Crafted rows before a rule: when it has taken them in."""

import pytest
import torch

from fedprop.attacks.trials import Trials, highest
from fedprop.errors import InvalidUpdates

HONEST = torch.tensor([[0.0], [2.0]])


def weighing(*weights):
    return lambda rows, f: (rows.mean(dim=0), torch.tensor(weights))


@pytest.mark.parametrize(
    ("weights", "selected"),
    [
        ((0.25, 0.25, 0.25, 0.25), True),  # each has weight
        ((0.5, 0.0, 0.5, 0.0), False),  # one of them has none, and an honest row has some
        ((1.0, 0.0, 0.0, 0.0), True),  # no other row has weight
        ((0.0, 0.0, 0.0, 1.0), False),
        ((0.0, 0.0, 0.0, 0.0), False),  # nobody has any
    ],
)
def test_crafted_rows_are_selected_if_each_counts_or_nothing_else_does(weights, selected):
    assert Trials(weighing(*weights), HONEST, 2).selected(torch.tensor([9.0])) is selected


def test_crafted_rows_may_differ():
    asked = []
    rule = lambda rows, f: asked.append(rows.flatten().tolist()) or (rows[0], rows[:, 0])  # noqa: E731
    assert Trials(rule, HONEST, 2).selected(torch.tensor([[7.0], [8.0]])) is True
    assert asked == [[7.0, 8.0, 0.0, 2.0]]


def test_the_deviation_is_that_from_the_honest_mean():
    """Of 7, 7, 0 and 2 the mean is 4, and of the honest ones 1."""
    assert Trials(weighing(0.25, 0.25, 0.25, 0.25), HONEST, 2).deviation(torch.tensor([7.0])) == 3.0


def test_a_rule_may_refuse():
    def refuse(rows, f):
        raise InvalidUpdates("too few")

    trials = Trials(refuse, HONEST, 1)
    assert trials.selected(torch.tensor([9.0])) is trials.deviation(torch.tensor([9.0])) is None


def test_a_line_search_asks_as_often_as_it_may_and_goes_where_it_is_higher():
    """0, 1, 3, 7 rise no longer at 7; then by halves of the last step, 4, from the best point, 3, up and down."""
    asked = []

    def measure(point):
        asked.append(point)
        return -abs(point - 3.4)

    assert highest(measure, step=1.0, shrink=0.5, trials=6) == 3.0
    assert asked == [0.0, 1.0, 3.0, 7.0, 5.0, 2.0]
