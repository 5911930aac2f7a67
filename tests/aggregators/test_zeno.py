"""Zeno: scores by hand, with a server that says what each row is worth."""

import pytest
import torch

from fedprop.aggregators import Cohort, QuadraticSide, Zeno
from fedprop.errors import ServerUnknown, TooFewUpdates

ROWS = torch.tensor([[4.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [-2.0, 0.0]], dtype=torch.float64)
SIDE = QuadraticSide(torch.tensor([3.0, 0.0]))


def asked(rule, server=SIDE):
    return rule.aggregate(Cohort(ROWS, server=server))


def test_the_rows_that_lower_the_loss_most_are_averaged():
    """Losses 0.5, 2, 5, 12.5, 12.5; with a price of 0.25 for a unit of squared length 4.5, 2.25, 5.25, 13.5, 13.5."""
    assert asked(Zeno(b=3)).weights.tolist() == [0.5, 0.5, 0.0, 0.0, 0.0]
    assert asked(Zeno(b=3)).value.tolist() == [2.5, 0.0]
    assert asked(Zeno(b=4)).weights.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert asked(Zeno(b=4, rho=0.185)).weights.tolist() == [0.0, 1.0, 0.0, 0.0, 0.0]


def test_the_price_may_be_for_the_mean_square():
    """A price of 0.18 makes 3.38 and 2.18 of the first two, half of it 1.94 and 2.09."""
    assert asked(Zeno(b=4, rho=0.18)).weights.argmax() == 1
    assert asked(Zeno(b=4, rho=0.18, per_coordinate=True)).weights.argmax() == 0


def test_of_equal_rows_the_first_is_the_better_one():
    assert asked(Zeno(b=1)).weights.tolist() == [0.25, 0.25, 0.25, 0.25, 0.0]


def test_a_loss_that_is_no_number_is_the_worst():
    class Lost(QuadraticSide):
        def losses(self, candidates):
            return super().losses(candidates).where(candidates[:, 0] < 4, torch.nan)

    assert asked(Zeno(b=1), Lost(SIDE.best)).weights.tolist() == [0.0, 0.25, 0.25, 0.25, 0.25]


def test_more_rows_than_b_and_a_server_are_needed():
    with pytest.raises(TooFewUpdates, match="`b` must satisfy n > b for Zeno; found n=5, b=5"):
        asked(Zeno(b=5))
    with pytest.raises(ServerUnknown, match="`server` must be given with the cohort"):
        Zeno()(ROWS)
