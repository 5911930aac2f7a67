import numpy as np
import pytest

from fedprop.aggregators.nearest_sums import NearestSums


def scored_anew(distances: np.ndarray, left: list[int], count: int) -> list[float]:
    """The sums by their definition, for the rows that are left."""
    return [sum(sorted(distances[i, j] for j in left if j != i)[:count]) for i in left]


@pytest.mark.parametrize("n", [3, 4, 10, 17, 26])
def test_each_removal_takes_one_neighbour(n: int) -> None:
    """Small whole numbers, many of them equal: sums are exact, whatever is removed when."""
    random = np.random.default_rng(n)
    for count in {1, (n - 2) // 2 + 1, n - 2}:
        distances = random.integers(1, 9, (n, n)).astype(float)
        distances = distances + distances.T
        others = np.where(np.eye(n, dtype=bool), np.inf, distances)
        order = others.argsort(axis=1)[:, :-1]
        sums, left = NearestSums(np.take_along_axis(others, order, axis=1), order, count), list(range(n))
        for rest in range(count, 0, -1):
            assert [sums.sums[i] for i in left] == scored_anew(distances, left, rest)
            assert np.isinf(np.delete(sums.sums, left)).all()
            row = int(random.choice(left))
            left.remove(row)
            sums.remove(row)


def test_a_giant_that_is_removed_leaves_no_trace() -> None:
    """Rows 0, 1, 3 and one at 1e9: once that is gone the sums over 2 neighbours are those of the small distances."""
    at = np.array([0.0, 1.0, 3.0, 1e9])
    squares = (at[:, None] - at) ** 2
    order = np.where(np.eye(4, dtype=bool), np.inf, squares).argsort(axis=1)[:, :-1]
    sums = NearestSums(np.take_along_axis(squares, order, axis=1), order, 3)
    sums.remove(3)
    assert sums.sums.tolist() == [10.0, 5.0, 13.0, np.inf]
