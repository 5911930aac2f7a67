from typing import Any

import pytest
import torch

from fedprop.aggregators import Cohort, GeometricMedian
from fedprop.aggregators import geometric_median as module
from fedprop.aggregators.distance_sum import least_distance_sum
from fedprop.oracles.geometric_median import geometric_median
from fedprop.types import Weights

RULE = GeometricMedian()


@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_newtons_method(seed: int) -> None:
    rows = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert torch.allclose(RULE(rows), torch.tensor(geometric_median(rows.tolist()), dtype=torch.float64), atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_claimed_examples_weigh_the_distances(seed: int) -> None:
    rows = torch.randn(6, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    examples = (1, 2, 3, 1, 1, 4)
    found = GeometricMedian(weighting="examples").aggregate(Cohort(rows, examples=examples)).value
    expected = torch.tensor(geometric_median(rows.tolist(), [float(e) for e in examples]), dtype=torch.float64)
    assert torch.allclose(found, expected, atol=1e-7)


def test_a_row_that_is_the_median_comes_back_bit_for_bit() -> None:
    rows = torch.tensor([[0.1, 0.2], [1.1, 0.2], [-0.9, 0.2], [0.1, 1.2], [0.1, -0.8]])
    assert torch.equal(RULE(rows), rows[0])


@pytest.mark.parametrize("n", [1, 2, 5])
def test_equal_rows(n: int) -> None:
    assert RULE(torch.full((n, 3), 0.3)).tolist() == pytest.approx([0.3] * 3)


def test_mostly_equal_rows_have_a_length_scale_too() -> None:
    rows = torch.zeros(7, 2)
    rows[0], rows[1] = 5.0, -3.0
    assert RULE(rows).tolist() == [0.0, 0.0]


def test_two_rows_have_an_answer_between_them() -> None:
    out = RULE(torch.tensor([[0.0, 0.0], [2.0, 4.0]]))
    assert float(out[1]) == pytest.approx(2 * float(out[0]), abs=1e-5)
    assert 0 <= float(out[0]) <= 2


def test_max_iterations_is_kept() -> None:
    rows = torch.randn(9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert not torch.equal(GeometricMedian(max_iterations=1)(rows), RULE(rows))
    assert torch.equal(GeometricMedian(max_iterations=500)(rows), RULE(rows))


def test_regret_is_zero_at_a_median_only() -> None:
    regret = RULE.contract().regret
    rows = torch.tensor([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    assert regret is not None
    assert regret(rows, rows[0]) == 0.0
    assert regret(rows, rows[1]) == pytest.approx(1 / 3)


def test_the_search_ends_at_the_square_of_the_tolerance_times_the_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spread is the lower median over the rows of the median distance to the three others."""
    asked = {}

    def noting(*args: Any, **settings: Any) -> Weights:
        asked.update(settings)
        return least_distance_sum(*args, **settings)

    monkeypatch.setattr(module, "least_distance_sum", noting)
    # The corners of a convex quadrilateral, of which none is the median itself.
    rows = torch.tensor([[0.0, 0.0], [4.0, 0.0], [5.0, 3.0], [0.0, 1.0]], dtype=torch.float64)
    GeometricMedian(tolerance=1e-3, nu=0.5)(rows)
    between = torch.cdist(rows, rows)
    middle = sorted(sorted(line)[2] for line in between.tolist())  # itself, the nearest, and the median of three
    spread = middle[1]
    assert asked["fall"] == pytest.approx(1e-6 * spread)
    assert asked["radius"] == pytest.approx(0.5 * spread)
