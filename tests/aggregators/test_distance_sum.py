from itertools import pairwise

import pytest
import torch

from fedprop.aggregators.distance_sum import best_row, least_distance_sum
from fedprop.oracles.geometric_median import residual


def random_rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def minimiser(rows: torch.Tensor, *, radius: float = 1e-12, steps: int = 100) -> torch.Tensor:
    alpha = torch.full((len(rows),), 1 / len(rows), dtype=torch.float64)
    best = best_row(alpha, rows @ rows.T, torch.cdist(rows, rows))
    return least_distance_sum(alpha, rows @ rows.T, best, radius=radius, fall=1e-14, max_iterations=steps) @ rows


@pytest.mark.parametrize("seed", range(20))
def test_the_best_row_has_the_least_sum_of_distances(seed: int) -> None:
    rows = random_rows(9, 2, seed) * random_rows(9, 1, seed + 100).exp()
    alpha = random_rows(9, 1, seed + 200)[:, 0].square()
    distances = torch.cdist(rows, rows)
    assert best_row(alpha, rows @ rows.T, distances) == int((distances @ alpha).argmin())


@pytest.mark.parametrize("seed", range(5))
def test_few_steps_reach_the_minimum(seed: int) -> None:
    rows = random_rows(12, 4, seed)
    assert residual(rows.tolist(), minimiser(rows, steps=12).tolist()) < 1e-9


@pytest.mark.parametrize("width", [1e-1, 1e-2, 1e-3])
def test_rows_nearly_on_a_line_take_hardly_more(width: float) -> None:
    rows = random_rows(12, 1) * torch.tensor([1.0, 2.0, 3.0]) + width * random_rows(12, 3, seed=1)
    assert residual(rows.tolist(), minimiser(rows, steps=40).tolist()) < 1e-6


@pytest.mark.parametrize("far", [1e3, 1e10])
def test_far_rows_do_not_hide_how_far_the_sum_falls(far: float) -> None:
    rows = random_rows(11, 3)
    rows[:4] *= far
    assert residual(rows.tolist(), minimiser(rows).tolist()) < 1e-6


def test_the_sum_never_rises() -> None:
    rows = random_rows(9, 2, seed=3) ** 3
    sums = [float((minimiser(rows, steps=steps) - rows).norm(dim=1).sum()) for steps in range(1, 12)]
    assert all(after <= before + 1e-12 for before, after in pairwise(sums))


def test_rows_on_a_line_have_no_newton_step() -> None:
    rows = torch.tensor([[0.0], [1.0], [2.0], [7.0], [9.0]], dtype=torch.float64)
    found = minimiser(rows, radius=1e-3)
    assert float(found) == pytest.approx(2.0, abs=1e-2)


def test_distances_below_the_radius_are_smoothed() -> None:
    rows = random_rows(6, 2)
    assert torch.allclose(minimiser(rows, radius=1e6), rows.mean(dim=0), atol=1e-6)


def test_a_row_near_the_way_is_no_trap() -> None:
    rows = torch.tensor([[0, 30], [10, 0], [363, -497], [-247, -155], [-151, 372], [7, -615]], dtype=torch.float64)
    assert residual(rows.tolist(), minimiser(rows).tolist()) < 1e-9


def test_far_rows_do_not_hide_which_row_is_best() -> None:
    rows = torch.tensor(
        [[-2, 2], [-3, 4], [6, -2], [4, 2], [-5, 5], [0, -1e20], [0, -1e20], [0, 0], [4, 3]], dtype=torch.float64
    )
    alpha = torch.tensor([1, 2, 3, 1, 2, 3, 1, 2, 3], dtype=torch.float64) / 18
    best = best_row(alpha, rows @ rows.T, torch.cdist(rows, rows))
    near = torch.tensor([i for i in range(9) if i not in (5, 6)])
    drops = torch.cdist(rows[near], rows[near]) @ alpha[near] + rows[near, 1] * 4 / 18
    assert best == int(near[drops.argmin()])
