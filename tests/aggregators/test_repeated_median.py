"""Slopes that guesses narrow down are those of the definition, whatever the values look like."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from fedprop.aggregators import repeated_median
from fedprop.aggregators.repeated_median import repeated_median_slopes
from fedprop.oracles.residual_reweighting import repeated_median_slope

SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "normal": lambda x: x,
    "heavy tails": lambda x: np.tan(x),
    "a fifth far off": lambda x: np.where(np.arange(len(x))[:, None] % 5 == 0, 1e9 + x, x),
    "half far off": lambda x: np.where(np.arange(len(x))[:, None] % 2 == 0, 1e9 + x, x),
    "close together": lambda x: 1e8 + 1e-5 * x,
    "whole numbers": lambda x: np.round(2 * x),
    "signs": np.sign,
    "mostly zero": lambda x: np.where(x > 1, x, 0),
    "of all sizes": lambda x: 10 ** (60 * x) * np.sin(99 * x),
    "near the largest float": lambda x: 1.7e308 * np.sin(99 * x),
}


@pytest.mark.parametrize("n", [41, 44])
@pytest.mark.parametrize("shape", SHAPES)
def test_like_the_definition(shape: str, n: int) -> None:
    assert n > repeated_median.FEW
    rows = SHAPES[shape](np.random.default_rng(n).standard_normal((n, 6)))
    defined = [repeated_median_slope(sorted(column)) for column in rows.T.tolist()]
    assert repeated_median_slopes(torch.from_numpy(rows)).tolist() == pytest.approx(defined, rel=1e-9)


@pytest.mark.parametrize("n", [7, 42])
def test_by_hand(n: int) -> None:
    """Values i and, for one row in seven, 1000: the line through the others has the slope 1, if not quite for few."""
    values = torch.arange(float(n))
    values[: n // 7] = 1000
    steep = float(repeated_median_slopes(values[:, None]))
    assert steep == 1.0
    assert float(repeated_median_slopes(torch.full((n, 1), 3.0))) == 0


def test_guesses_leave_few_medians_to_work_out(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out = []
    whole = repeated_median._medians

    def counted(lines, line, rank):
        worked_out.append(len(line))
        return whole(lines, line, rank)

    monkeypatch.setattr(repeated_median, "_medians", counted)
    repeated_median_slopes(torch.randn(100, 50, generator=torch.Generator().manual_seed(0)))
    assert sum(worked_out) < 0.4 * 100 * 50


def test_pieces_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(45, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole = repeated_median_slopes(rows)
    monkeypatch.setattr(repeated_median, "PAIRS", 1)
    assert torch.equal(repeated_median_slopes(rows), whole)
