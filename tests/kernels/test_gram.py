import numpy as np
import pytest

from fedprop.kernels import gram

LAST = gram.BEYOND


def integers(n: int, d: int) -> np.ndarray:
    return np.random.default_rng(n).integers(-9, 10, (n, d)).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 11])
def test_products_of_whole_numbers_are_exact(n: int) -> None:
    rows, used = integers(n + 2, 7), np.arange(n)[::-1].copy()
    seen = rows[used, 2:6].astype(float)
    assert np.array_equal(np.triu(gram.upper_products(rows, used, 2, 6)), np.triu(seen @ seen.T))


@pytest.mark.parametrize(("tile", "tall"), [(gram._five_by_five, 5), (gram._two_by_five, 2)])
def test_each_tile_adds_the_products_of_its_rows(tile, tall) -> None:
    """Beyond the last row the last one is taken once more, and what is there means nothing."""
    rows, total = integers(7, 3), np.ones((7 + LAST, 7 + LAST))
    tile(rows, np.arange(7), 4, 5, 0, 3, total)
    wide = rows.astype(float)
    expected = np.ones((7, 7))
    expected[4 : 4 + tall, 5:] += (wide @ wide.T)[4 : 4 + tall, 5:]
    assert np.array_equal(total[:7, :7], expected)


def test_a_triangle_holds_the_sums_of_a_tile_to_the_bit() -> None:
    """So equal rows are 0 apart, wherever their products are worked out."""
    rows, used = np.random.default_rng(0).standard_normal((5, 1003)).astype(np.float32), np.arange(5)
    tile, triangle = np.zeros((2, 5, 5))
    gram._five_by_five(rows, used, 0, 0, 1, 1003, tile)
    gram._triangle(rows, used, 0, 0, 1, 1003, triangle)
    assert np.array_equal(np.triu(tile), triangle)


def test_sums_are_those_of_float64() -> None:
    rows = np.array([[1e30, 1.0, -1e30], [1e30, 1.0, 1e30]], dtype=np.float32)
    assert gram.upper_products(rows, np.arange(2), 0, 2)[0, 1] == float(rows[0, 0]) ** 2 + 1


def test_what_is_not_finite_shows_on_the_diagonal() -> None:
    rows = np.array([[np.nan, 1.0], [np.inf, 2.0], [3.0, 4.0]], dtype=np.float32)
    diagonal = gram.upper_products(rows, np.arange(3), 0, 2).diagonal()
    assert np.isfinite(diagonal).tolist() == [False, False, True]
    assert diagonal[2] == 25
