import pytest
import torch

from fedprop.attacks import DistributedTrigger
from fedprop.errors import InvalidConfig

BLANK = torch.zeros(1, 2, 6, 12)
MNIST = DistributedTrigger(length=4, gap=2, drop=3, value=2.0)


def marked(member):
    """Rows and columns of the pixels that are set, in the second channel."""
    stamped = MNIST.stamped(BLANK, member)
    assert set(stamped.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(stamped[:, 0], stamped[:, 1])
    return {tuple(place) for place in stamped[0, 1].nonzero().tolist()}


def bar(row, column):
    return {(row, column + pixel) for pixel in range(4)}


def test_each_member_has_the_bar_that_the_authors_give_it():
    bars = [bar(0, 0), bar(0, 6), bar(3, 0), bar(3, 6)]
    assert [marked(member) for member in range(8)] == bars + bars


def test_the_whole_is_the_union_of_the_parts():
    assert marked(None) == set().union(*map(marked, range(4)))
    assert not BLANK.any()


def test_it_is_evaluated_with_the_whole_and_planted_in_parts():
    x, y = BLANK.repeat(4, 1, 1, 1), torch.tensor([0, 1, 1, 2])
    inputs, wanted = MNIST.aims(x, y, 3)
    assert torch.equal(inputs, MNIST.stamped(x[1:]))
    assert wanted.tolist() == [0] * 3
    planted, labels = MNIST.plant(x, y, torch.Generator().manual_seed(0), 5)
    chosen = planted.flatten(1).any(dim=1)
    assert torch.equal(planted[chosen], MNIST.stamped(x[chosen], 1))
    assert labels[chosen].eq(0).all()
    assert int(chosen.sum()) == 1


@pytest.mark.parametrize("shape", [(1, 3, 12), (1, 4, 9), (40,)])
def test_where_the_bars_do_not_fit_they_are_refused(shape):
    with pytest.raises(InvalidConfig, match="must have images of 4 x 10 pixels or more for DistributedTrigger"):
        MNIST.stamped(torch.zeros(2, *shape))
