import math

import numpy as np
import pytest

from fedprop.aggregators.compiled_order import group_steps
from fedprop.kernels import ordering

# Python, where it runs the loops, warns of what is looked for.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered")


def averaged(rows: np.ndarray, used: np.ndarray, places: range, near: int) -> np.ndarray:
    steps = group_steps(len(used), range(len(used)) if near else places, ordering.GROUP)
    out = np.zeros(rows.shape[1], np.float32)
    ends = places.start, places.stop
    assert ordering.mean_of_places(rows, used, steps, ends, near, 0, rows.shape[1], out) == 0
    return out


def defined(column: np.ndarray, places: range, near: int) -> float:
    """Mean of the places, or of the values nearest to it, in Python's order of pairs: nearer first, then smaller."""
    ordered = sorted(column.tolist())
    centre = sum(ordered[place] for place in places) / len(places)
    nearest = sorted(ordered, key=lambda value: (abs(value - centre), value))[:near]
    return sum(nearest) / near if near else centre


@pytest.mark.parametrize("n", [1, 2, 8, 9, 19, 41])
def test_means_of_ordered_whole_numbers(n: int) -> None:
    """Small numbers with many ties, more columns than one block for a few rows; the rows used are some of them."""
    random = np.random.default_rng(n)
    rows = random.integers(-6, 7, (n + 1, 300 if n == 9 else 12)).astype(np.float32)
    used = random.permutation(n + 1)[:n]
    median = range((n - 1) // 2, n // 2 + 1)
    for places, near in ((median, 0), (range(n // 4, n - n // 4), 0), (median, n - n // 3), (range(n), n // 4 + 1)):
        expected = [defined(column, places, near) for column in rows[used].T]
        assert averaged(rows, used, places, near).tolist() == np.array(expected, np.float32).tolist()


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_told(odd: float) -> None:
    rows = np.ones((3, 5), np.float32)
    rows[1, 3] = odd
    steps, out, used = group_steps(3, range(1, 2), ordering.GROUP), np.zeros(5, np.float32), np.arange(3)
    assert math.isnan(ordering.mean_of_places(rows, used, steps, (1, 2), 0, 0, 5, out))
    out[:] = 0
    assert ordering.mean_of_places(rows, used, steps, (1, 2), 0, 0, 3, out) == 0
    assert out.tolist() == [1, 1, 1, 0, 0]
