import math

import pytest
import torch

from fedprop.aggregators.columns import blocks_of
from fedprop.aggregators.rescaled import FARTHEST, ZERO, Rescaled, each_to_size, exponents, times_power, within_reach


def column(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def test_exponents_bound_the_largest_entry() -> None:
    rows = torch.tensor([[0.5, -1.0], [0.0, 0.0], [3.0, 1.0], [5e-324, 0.0]], dtype=torch.float64)
    with blocks_of(4):
        assert exponents(rows).tolist() == [1, ZERO, 2, -1073]


@pytest.mark.parametrize("start", [-1000, 0, 1000])
@pytest.mark.parametrize("power", [-2000, -1073, -1, 0, 1, 1023, 2000])
def test_powers_of_two_are_exact_beyond_their_own_range_too(start: int, power: int) -> None:
    value = math.ldexp(1.75, start)
    expected = math.ldexp(value, power) if start + power < 1024 else math.inf
    assert times_power(torch.tensor(value, dtype=torch.float64), power).item() == expected


def test_the_unit_is_the_size_of_the_middle_row_and_giants_shrink() -> None:
    rows = column(1.0, 1.5, 1.7e308, 0.0, -1e200)
    seen, unit = within_reach(rows)
    assert unit == 1
    assert seen.read(0, 1).flatten().tolist()[:2] == [0.5, 0.75]
    assert exponents(seen).tolist() == [0, 0, FARTHEST, ZERO, FARTHEST]
    assert seen.read(0, 1)[4] < 0


def test_where_most_rows_are_zero_the_others_stay_as_they_are() -> None:
    seen, unit = within_reach(column(0.0, 0.0, 0.0, 3.0, 1e-200))
    assert (unit, seen.read(0, 1).flatten().tolist()) == (0, [0.0, 0.0, 0.0, 3.0, 1e-200])


def test_each_row_has_a_unit_of_its_own() -> None:
    seen, sizes = each_to_size(column(1e-300, 0.0, -1e300))
    assert (seen.read(0, 1).abs() <= 1).all()
    assert torch.equal(times_power(seen.read(0, 1), sizes[:, None]), column(1e-300, 0.0, -1e300))


def test_rows_are_taken_without_a_copy() -> None:
    rows = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    lazy = Rescaled(rows, torch.tensor([0, 1, 2, 3]))
    assert torch.equal(
        lazy.take(torch.tensor([3, 1])).read(1, 3), rows[[3, 1], 1:3].double() * torch.tensor([[8], [2]])
    )
