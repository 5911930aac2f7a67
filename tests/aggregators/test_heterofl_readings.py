"""The other readings of HeteroFL in sims/heterofl/readings.py, by hand and beside ours."""

from pathlib import Path

import pytest
import torch

from fedprop.aggregators import SimilarityDetection, SybilRemoval
from fedprop.aggregators.base import Cohort
from fedprop.loading import load_file

FILE = Path(__file__).parents[2] / "sims" / "heterofl" / "readings.py"


@pytest.fixture(scope="module")
def readings():
    return load_file(FILE)


def left(stage, rows, seed=0):
    return stage.answer(Cohort(rows, generator=torch.Generator().manual_seed(seed)), None).cohort.clients


def test_as_it_stands_it_is_ours(readings):
    draw = torch.Generator().manual_seed(0)
    for seed in range(8):
        rows = 0.7 + torch.randn(12, 6, generator=draw)
        assert left(readings.OtherDetection(), rows, seed) == left(SimilarityDetection(), rows, seed)


def test_without_itself_two_copies_are_enough(readings):
    """Each of six scores is 0, but for two of 1: the bound is 0. With itself they are 1 and 2, and the bound is 2."""
    rows = torch.eye(5)[[0, 1, 2, 3, 4, 4]]
    assert left(readings.SybilRemovalOfOthers(), rows) == (0, 1, 2, 3)
    assert left(SybilRemoval(), rows) == (0, 1, 2, 3, 4, 5)


def test_a_lone_row_has_no_score_without_itself(readings):
    assert readings.of_others(torch.ones(1, 1)).tolist() == [0.0]


def test_points_have_the_cosines_that_they_are_made_of(readings):
    alike = torch.full((3, 3), 0.5, dtype=torch.float64).fill_diagonal_(1)
    points = readings.placed(alike)
    assert torch.allclose(points @ points.T, alike)
