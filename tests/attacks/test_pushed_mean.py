"""Min-Max and Min-Sum by hand: honest rows 0 and 4 on a line, and a push to the left."""

import pytest
import torch

from fedprop.attacks import MinMax, MinSum
from fedprop.attacks.pushed_mean import directed


@pytest.mark.parametrize("push", ["unit", "sign"])
def test_no_farther_from_any_than_they_are_from_each_other(view, push):
    """The mean is 2 and the diameter 4: from 4, the farther one, that reaches 0."""
    [row, same] = MinMax(knowledge="full", push=push).craft(view([[1.0], [1.0]], [[0.0], [4.0]]))
    assert row.item() == pytest.approx(0.0, abs=2e-5)
    assert row.item() >= 0.0
    assert row.equal(same)


def test_no_farther_from_all_together_than_the_farthest_of_them(view):
    """Rows 0, 0, 3: squared distances add up to 9, 9 and 18; from 1 - g, 2 (1 - g)^2 + (2 + g)^2 = 18 at g = 2."""
    [row] = MinSum(knowledge="full", push="unit").craft(view([[1.0]], [[0.0], [0.0], [3.0]]))
    assert row.item() == pytest.approx(-1.0, abs=2e-5)
    assert row.item() >= -1.0


def test_the_search_reaches_twice_its_start(view):
    [row] = MinMax(knowledge="full", push="unit", start=1.0).craft(view([[1.0]], [[0.0], [100.0]]))
    assert row.item() == pytest.approx(50.0 - 2.0, abs=2e-5)


def test_the_search_ends_where_it_is_as_exact_as_was_asked(view):
    """From 2 the next strength to be tried is 3: no more than the threshold of 1 away."""
    [row] = MinMax(knowledge="full", push="unit", start=2.0, threshold=1.0).craft(view([[1.0]], [[0.0], [100.0]]))
    assert row.item() == 50.0 - 2.0


def test_own_rows_stand_in_for_hidden_ones(view):
    [row, _] = MinMax(push="unit").craft(view([[0.0], [4.0]]))
    assert row.item() == pytest.approx(0.0, abs=2e-5)


def test_directions_against_the_mean():
    """Means 3 and -4; sample deviations sqrt(2) and 0."""
    rows = torch.tensor([[2.0, -4.0], [4.0, -4.0]], dtype=torch.float64)
    assert directed(rows, "unit").tolist() == pytest.approx([-0.6, 0.8])
    assert directed(rows, "sign").tolist() == [-1.0, 1.0]
    assert directed(rows, "deviation").tolist() == pytest.approx([-(2**0.5), 0.0])


@pytest.mark.parametrize("push", ["unit", "sign", "deviation"])
def test_rows_that_are_equal_or_zero_are_their_own_mean(view, push):
    for rows in ([[0.0, 0.0]], [[2.0, -1.0]], [[2.0, -1.0]] * 3):
        for attack in (MinMax(push=push), MinSum(push=push)):
            assert torch.allclose(attack.craft(view(rows)), torch.tensor(rows, dtype=torch.float64))


def test_not_even_by_rounding_is_a_row_beyond_the_bound(view):
    """In float32 a step of the search is finer than what a row near 1000 can hold."""
    rows = 1000 + torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
    for attack, bound in ((MinMax(push="sign"), "max"), (MinSum(push="sign"), "sum")):
        row = attack.craft(view(rows.tolist(), dtype=torch.float32))[0].double()
        squares = (rows.double()[:, None] - rows.double()).square().sum(dim=2)
        reach = (rows.double() - row).square().sum(dim=1)
        assert float(reach.max() if bound == "max" else reach.sum()) <= float(
            squares.max() if bound == "max" else squares.sum(dim=1).max()
        )
        assert float((row - rows.double().mean(dim=0)).norm()) > 0.1


def test_the_bound_itself_is_allowed(view):
    """Of 0, 2 and 4 the diameter is 4, and the farthest row's squared distances add up to 4 + 16."""
    rows = torch.tensor([[0.0], [2.0], [4.0]], dtype=torch.float64)
    for attack in (MinMax(), MinSum()):
        allowed = attack.allows(view([[0.0]]), rows)
        assert [allowed(torch.tensor([x], dtype=torch.float64)) for x in (4.0, 4.01)] == [True, False], attack.kind
