import pytest
import torch

from fedprop.aggregators import MDA, Sniper
from fedprop.aggregators import cliques as search
from fedprop.errors import InvalidUpdates


def kept(rule: Sniper | MDA, *values: float) -> list[int]:
    rows = torch.tensor(values, dtype=torch.float64)[:, None]
    return rule.aggregate(rows).weights.nonzero().flatten().tolist()


def test_the_radius_grows_until_more_than_half_are_near_each_other() -> None:
    """Four of six are at radius 3, and at radius 2 three, which are half; with 4 in the place of 3 the radius is 4."""
    assert kept(Sniper(), 0.0, 1.0, 2.0, 3.0, 10.0, 11.0) == [0, 1, 2, 3]
    assert kept(Sniper(), 0.0, 1.0, 2.0, 4.0, 10.0, 11.0) == [0, 1, 2, 3]
    assert kept(Sniper(), 10.0, 0.0, 11.0, 2.0, 1.0) == [1, 3, 4]
    assert kept(Sniper(), 0.0, 3.0, 3.0, 3.0, 6.0) == [1, 2, 3]
    assert kept(Sniper(), 7.0) == [0]


def test_of_sets_as_large_and_wide_the_one_with_the_least_sum_of_distances() -> None:
    """The first two are 2 apart and within 2 of both others, 2.2 apart: the nearer of these goes with them."""
    rows = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.5], [0.0, -0.7]], dtype=torch.float64)
    assert Sniper().aggregate(rows).weights.nonzero().flatten().tolist() == [0, 1, 3]
    assert Sniper()(torch.tensor([[0.0], [2.0], [4.0]])).tolist() == [1.0]


@pytest.mark.parametrize("unit", [1.0, 0.1, 0.3, 0.7])
def test_the_first_of_two_sets_that_are_as_wide_but_for_rounding(unit: float) -> None:
    assert kept(Sniper(), 0.0, unit, 2 * unit, 3 * unit) == [0, 1, 2]
    assert kept(Sniper(), *(k * unit for k in range(8))) == [0, 1, 2, 3, 4]


def test_as_wide_as_the_set_that_all_minorities_are_set_aside_for() -> None:
    """MDA with f the largest minority looks for the least diameter of as many rows; Sniper may keep more."""
    generator = torch.Generator().manual_seed(0)
    for n in (2, 5, 8, 9):
        rows = torch.randn(n, 3, generator=generator, dtype=torch.float64)
        widths = []
        for rule in (Sniper(), MDA(f=(n - 1) // 2)):
            some = rows[rule.aggregate(rows).weights > 0]  # type: ignore[operator]
            assert len(some) > n / 2
            widths.append(float(torch.pdist(some).max()))
        assert widths[0] == pytest.approx(widths[1])


def test_the_radii_of_a_schedule_have_a_unit() -> None:
    """Within 2, or 3, are 0, 2, 2, or 2, 2, 4, which are as near each other; within 4, or 4.5, four of the five."""
    rows = torch.tensor([[0.0], [2.0], [2.0], [4.0], [9.0]])
    assert Sniper()(rows).tolist() == pytest.approx([4 / 3])
    assert Sniper(radii=(1.0, 2.0))(rows).tolist() == pytest.approx([4 / 3])
    assert Sniper(radii=(4.0, 2.0))(rows).tolist() == [2.0]
    assert Sniper(radii=(0.5, 4.0))(rows).tolist() == [2.0]


def test_a_radius_of_the_schedule_is_not_passed_over_by_rounding() -> None:
    """3 x 0.1 is a little more than 0.3, which is a radius all the same; the last row is 0.335 from the first two."""
    w = 3 * 0.1
    rows = torch.tensor([[0.0, 0.0], [w, 0.0], [w / 2, 0.0], [w / 2, -w]], dtype=torch.float64)
    assert Sniper(radii=(0.1, 0.1)).aggregate(rows).weights.nonzero().flatten().tolist() == [0, 1, 2]
    assert Sniper(radii=(0.2, 0.2)).aggregate(rows).weights.nonzero().flatten().tolist() == [0, 1, 2, 3]


def test_a_search_that_does_not_end_soon_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_STEPS", 2)
    with pytest.raises(InvalidUpdates, match=r"found in 2 steps; found 5 rows, of which 5 pairs are far"):
        Sniper()(torch.tensor([[0.0], [1.0], [3.0], [6.0], [9.0]]))
