"""The other readings of HeteroFL in sims/heterofl/readings.py, by hand and beside ours."""

from pathlib import Path

import pytest
import torch

from fedprop.aggregators import SimilarityDetection
from fedprop.aggregators.cohort import Cohort
from fedprop.loading import load_file

FILE = Path(__file__).parents[2] / "sims" / "heterofl" / "readings.py"


@pytest.fixture(scope="module")
def readings():
    return load_file(FILE)


def left(stage, rows, seed=0):
    return stage.answer(Cohort(rows, generator=torch.Generator().manual_seed(seed)), None).cohort.clients


@pytest.mark.parametrize("own", [True, False])
def test_as_it_stands_it_is_ours(readings, own):
    draw = torch.Generator().manual_seed(0)
    for seed in range(8):
        rows, how = 0.7 + torch.randn(12, 6, generator=draw), {"self_similarity": own}
        assert left(readings.OtherDetection(**how), rows, seed) == left(SimilarityDetection(**how), rows, seed)


def test_points_have_the_cosines_that_they_are_made_of(readings):
    alike = torch.full((3, 3), 0.5, dtype=torch.float64).fill_diagonal_(1)
    points = readings.placed(alike)
    assert torch.allclose(points @ points.T, alike)
