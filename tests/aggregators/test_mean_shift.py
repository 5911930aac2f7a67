"""Mean shift by hand, against its definition, and against scikit-learn's."""

import torch
from sklearn.cluster import MeanShift

from fedprop.aggregators import mean_shift
from fedprop.aggregators.mean_shift import centres_of, largest_cluster
from fedprop.oracles import sign_guard as definition


def chosen(points):
    return largest_cluster(points).nonzero().flatten().tolist()


def test_by_hand():
    """0, 1 and 2 move to 1, which they share; 9 stays where it is."""
    points = torch.tensor([[0.0], [1.0], [9.0], [2.0]], dtype=torch.float64)
    assert centres_of(points, 2.0).tolist() == [[1.0], [9.0]]
    assert chosen(points) == [0, 1, 3]


def test_a_point_a_bandwidth_away_is_near():
    assert centres_of(torch.tensor([[0.0], [2.0]], dtype=torch.float64), 2.0).tolist() == [[1.0]]


def test_clusters_are_those_of_the_definition_and_of_scikit_learn():
    draw = torch.Generator().manual_seed(0)
    for _ in range(40):
        points = torch.rand(int(torch.randint(1, 12, (), generator=draw)), 3, generator=draw, dtype=torch.float64)
        for tried in (points, points.round(decimals=1)):
            assert chosen(tried) == definition.largest(definition.mean_shift([tuple(p) for p in tried.tolist()]))
        theirs = MeanShift(bandwidth=0.4).fit(points.numpy())
        assert torch.allclose(centres_of(points, 0.4), torch.from_numpy(theirs.cluster_centers_))


def test_points_may_be_moved_a_few_at_a_time(monkeypatch):
    points = torch.rand(30, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    whole = centres_of(points, 0.3)
    monkeypatch.setattr(mean_shift, "BLOCK_ELEMENTS", 200)
    assert torch.equal(centres_of(points, 0.3), whole)
    assert len(whole) > 2
