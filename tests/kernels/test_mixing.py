import numpy as np
import pytest

from fedprop.kernels import mixing


@pytest.mark.parametrize("k", [1, 3, 4, 9])
def test_a_sum_of_some_rows_in_some_columns(k: int) -> None:
    random = np.random.default_rng(k)
    rows = random.integers(-9, 10, (11, 6)).astype(np.float32)
    used, shares, out = random.permutation(11)[:k], random.integers(1, 5, k).astype(float), np.full(6, 7, np.float32)
    mixing.add_rows(rows, used, shares, 1, 5, 1e9, out)
    assert out.tolist() == [7, *(shares @ rows[used, 1:5]).tolist(), 7]


def test_a_sum_is_held_within_the_largest_number() -> None:
    rows, out = np.array([[3e38, -3e38, 1.0]] * 2, dtype=np.float32), np.zeros(3, np.float32)
    largest = float(np.finfo(np.float32).max)
    mixing.add_rows(rows, np.arange(2), np.ones(2), 0, 3, largest, out)
    assert out.tolist() == [largest, -largest, 2.0]
