"""Each definition against an answer worked out by hand."""

import math

import pytest

from fedprop.oracles import ORACLES
from fedprop.oracles.bulyan import bulyan
from fedprop.oracles.centered_clipping import centered_clipping
from fedprop.oracles.fl_trust import fl_trust
from fedprop.oracles.geometric_median import geometric_median
from fedprop.oracles.krum import krum, ranking, score
from fedprop.oracles.mean import mean
from fedprop.oracles.mean_around_median import mean_around_median
from fedprop.oracles.median import median
from fedprop.oracles.nearest_neighbour_mixing import nearest_neighbour_mixing
from fedprop.oracles.norm_clipping import norm_clipping
from fedprop.oracles.trimmed_mean import trimmed_mean

LINE = [[0.0], [1.0], [2.0], [4.0], [9.0], [10.0]]


def test_mean() -> None:
    assert mean([[0.0, 1.0], [4.0, 3.0]]) == [2.0, 2.0]
    assert mean([[0.0], [4.0]], [3.0, 1.0]) == [1.0]


@pytest.mark.parametrize(("rows", "expected"), [([[3.0], [1.0], [2.0]], 2.0), ([[1.0], [9.0], [2.0], [4.0]], 3.0)])
def test_median(rows: list[list[float]], expected: float) -> None:
    assert median(rows) == [expected]


def test_trimmed_mean() -> None:
    assert trimmed_mean([[100.0, 2.0], [1.0, -100.0], [3.0, 4.0]], 1) == [3.0, 2.0]


def test_mean_around_median() -> None:
    assert mean_around_median([[1.0], [2.0], [6.0], [100.0]], 1) == [3.0]
    assert mean_around_median([[0.0], [1.0], [2.0]], 1) == [0.5]


def test_centered_clipping() -> None:
    assert centered_clipping([[0.5], [3.0]], 1.0) == [0.75]
    assert centered_clipping([[0.5], [3.0]], 1.0, 2) == [1.125]
    assert centered_clipping([[6.0, 8.0], [3.0, 4.0]], 5.0, centre=[3.0, 4.0]) == [4.5, 6.0]


def test_fl_trust() -> None:
    assert fl_trust([[8.0, 0.0], [3.0, 4.0], [-1.0, 0.0], [0.0, 0.0]], [5.0, 0.0]) == pytest.approx([4.25, 1.5])
    assert fl_trust([[-1.0, 0.0], [0.0, 2.0]], [5.0, 0.0]) == [0.0, 0.0]
    assert fl_trust([[1.0, 0.0]], [0.0, 0.0]) == [0.0, 0.0]


def test_krum_scores_squares_over_n_minus_f_minus_2_neighbours() -> None:
    assert score(LINE, 0, 3) == 1 + 4 + 16
    assert score(LINE, 2, 3) == 1 + 4 + 4
    assert krum(LINE, 1) == [2.0]
    assert krum(LINE, 1, m=2) == [1.5]


def test_krum_prefers_the_smaller_index() -> None:
    assert ranking([[5.0], [1.0], [2.0]], 1) == [1, 2, 0]


def test_bulyan_selects_one_by_one() -> None:
    """Of 0..5 and an outlier Krum takes, in this order, 2, 3, 1 or 4, ...; the outlier never."""
    rows = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [1e9]]
    assert bulyan(rows, 1) == [pytest.approx(2.0)]


def test_nearest_neighbour_mixing() -> None:
    assert nearest_neighbour_mixing([[0.0], [2.0], [100.0]], 1) == [[1.0], [1.0], [51.0]]


def test_norm_clipping() -> None:
    assert norm_clipping([[3.0, 4.0], [0.3, 0.4]], 1.0) == [[pytest.approx(0.6), pytest.approx(0.8)], [0.3, 0.4]]


def test_geometric_median_of_an_equilateral_triangle_is_its_centre() -> None:
    corners = [[math.cos(a), math.sin(a)] for a in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)]
    assert geometric_median(corners) == pytest.approx([0.0, 0.0], abs=1e-12)


def test_every_oracle_is_listed_under_its_own_name() -> None:
    assert all(kind == oracle.__name__ for kind, oracle in ORACLES.items())
