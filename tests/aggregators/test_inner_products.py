import pytest
import torch

from fedprop.aggregators.columns import blocks_of
from fedprop.aggregators.inner_products import DEPTH, STRIP, TILE, inner_products, lengths


def integers(n: int, d: int) -> torch.Tensor:
    return torch.randint(-9, 10, (n, d), generator=torch.Generator().manual_seed(n + d)).float()


@pytest.mark.parametrize("n", [1, STRIP, STRIP + 1, TILE, TILE + STRIP + 1, 2 * TILE + 1])
@pytest.mark.parametrize("d", [1, 2, DEPTH, DEPTH + 1, 5 * DEPTH - 3])
@pytest.mark.parametrize("centre", [None, 0])
def test_tiles_of_every_size_add_up_exactly(n: int, d: int, centre: int | None) -> None:
    rows = integers(n, d)
    seen = rows.double() if centre is None else rows.double() - rows[centre].double()
    assert torch.equal(inner_products(rows, centre), seen @ seen.T)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_are_those_of_float64(dtype: torch.dtype) -> None:
    rows = torch.randn(30, 2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    assert torch.allclose(inner_products(rows, 3), (rows.double() - rows[3].double()) @ (rows.double() - rows[3]).T)


def test_the_block_width_does_not_matter_to_integers() -> None:
    rows = integers(15, 40)
    with blocks_of(7 * 15):
        assert torch.equal(inner_products(rows, 14), inner_products(rows.double(), 14))


def test_what_overflows_is_not_finite() -> None:
    found = inner_products(torch.tensor([[1e200], [1.0]], dtype=torch.float64))
    assert found.tolist() == [[float("inf"), 1e200], [1e200, 1.0]]


def test_lengths_in_float32_are_summed_over_blocks_in_float64() -> None:
    rows = torch.tensor([[3e38, 0.0, 4e-30], [3.0, 4.0, 12.0]])
    with blocks_of(2):
        assert lengths(rows).tolist() == [float(rows[0, 0]), 13.0]
