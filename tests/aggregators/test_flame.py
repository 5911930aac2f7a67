"""FLAME: clusters, lengths and noise by hand, and the cluster beside that of scikit-learn's HDBSCAN."""

import math

import pytest
import torch

from fedprop.aggregators import FLAME, Cohort
from fedprop.aggregators.flame import majority
from fedprop.errors import ServerUnknown

ROWS = torch.tensor([[1.0, 0.0], [3.0, 0.0], [1.0, 0.1], [-9.0, 0.0]], dtype=torch.float64)
ZERO = torch.zeros(2, dtype=torch.float64)


def test_three_of_four_point_the_same_way():
    """Of the lengths 1, sqrt(1.01), 3, 9 the median is (sqrt(1.01) + 3) / 2: nobody in the majority but 3 is longer."""
    before, s = ROWS.clone(), (math.sqrt(1.01) + 3) / 2
    answer = FLAME(epsilon=None).aggregate(Cohort(ROWS, examples=(1, 1, 1, 99), model=ZERO))
    assert answer.weights.tolist() == pytest.approx([1 / 3, s / 9, 1 / 3, 0.0])
    assert answer.value.tolist() == pytest.approx([(2 + s) / 3, 0.1 / 3])
    assert torch.equal(ROWS, before)


def test_models_are_compared_and_not_updates():
    """Seen from (0, 9), the first two are close to each other; by their updates they are opposite."""
    rows = torch.tensor([[0.1, 0.0], [-0.1, 0.0], [9.0, 0.0]], dtype=torch.float64)
    weights = [
        FLAME(epsilon=None).aggregate(Cohort(rows, model=torch.tensor(w))).weights for w in ([0.0, -9.0], [0.0, 0.0])
    ]
    assert [(found > 0).tolist() for found in weights] == [[True, True, False], [True, False, True]]


def test_noise_is_sized_by_the_median_length():
    rule = FLAME(epsilon=2.0, delta=0.05)
    assert rule.noise == pytest.approx(math.sqrt(2 * math.log(25)) / 2)
    assert FLAME().noise == pytest.approx(0.001, rel=1e-3)
    rows = torch.full((3, 4000), 0.5)
    answer = rule.aggregate(Cohort(rows, model=torch.zeros(4000), generator=torch.Generator().manual_seed(0)))
    assert float((answer.value - 0.5).std()) == pytest.approx(rule.noise * 0.5 * math.sqrt(4000), rel=0.05)


def test_the_majority_is_the_cluster_of_hdbscan():
    """Its `min_samples` counts the point itself, so that 1 smooths nothing."""
    from sklearn.cluster import HDBSCAN

    generator = torch.Generator().manual_seed(0)
    for n in (2, 3, 4, 7, 12, 25):
        points = torch.randn(n, 2, generator=generator, dtype=torch.float64)
        distances = torch.cdist(points, points)
        peer = HDBSCAN(
            min_cluster_size=n // 2 + 1, min_samples=1, allow_single_cluster=True, metric="precomputed", copy=True
        ).fit(distances.numpy())
        assert majority(distances).tolist() == (peer.labels_ == 0).tolist(), n


def test_one_row_of_any_size_is_answered():
    for size in (0.0, 1e-200, 1.0, 1e200):
        rows = torch.tensor([[size, 0.0]], dtype=torch.float64)
        assert FLAME(epsilon=None).aggregate(Cohort(rows, model=ZERO)).value.tolist() == [size, 0.0]


def test_without_a_model_it_is_refused():
    with pytest.raises(ServerUnknown, match="`model` must be given with the cohort"):
        FLAME()(ROWS)
