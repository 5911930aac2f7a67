"""Clusters by density, beside their definition, and beside scikit-learn's where no two distances are equal."""

import pytest
import torch

from fedprop.aggregators.hdbscan import hdbscan
from fedprop.oracles.hdbscan import stable_clusters


def labelled(clusters, n):
    labels = [-1] * n
    for number, cluster in enumerate(clusters):
        for point in cluster:
            labels[point] = number
    return labels


def numbered(labels):
    """The same clusters, counted in the order of their first points."""
    known = {}
    return [-1 if label < 0 else known.setdefault(label, len(known)) for label in labels]


def blobs(draw, most):
    n = int(torch.randint(2, most, (), generator=draw))
    place = torch.randint(3, (n,), generator=draw)
    return 3 * torch.randn(3, 2, generator=draw, dtype=torch.float64)[place], torch.randn(
        n, 2, generator=draw, dtype=torch.float64
    )


def test_where_no_distances_are_equal_it_is_scikit_learn_s():
    from sklearn.cluster import HDBSCAN

    draw, seen = torch.Generator().manual_seed(0), set()
    for trial in range(120):
        distances = torch.cdist(*[sum(blobs(draw, 26))] * 2)
        n, least, neighbours = len(distances), 2 + trial % 4, 1 + trial % 2
        if n < least:
            continue
        found = hdbscan(distances, min_cluster_size=least, min_samples=neighbours).tolist()
        settings = {"min_cluster_size": least, "min_samples": neighbours, "allow_single_cluster": True}
        peer = HDBSCAN(**settings, metric="precomputed", copy=True).fit(distances.numpy())
        assert found == numbered(peer.labels_.tolist()), trial
        assert found == labelled(stable_clusters(distances.tolist(), least, neighbours), n), trial
        seen.add((max(found) > 0, -1 in found))
    assert len(seen) == 4


def test_equal_distances_are_as_defined_in_any_order():
    draw, seen = torch.Generator().manual_seed(1), set()
    for trial in range(150):
        n, least, neighbours = 3 + trial % 9, 2 + trial % 3, 1 + trial % 4
        points = torch.randint(0, 4, (n, 2), generator=draw).double()
        distances = (points[:, None] - points).abs().sum(dim=2)
        found = hdbscan(distances, min_cluster_size=least, min_samples=neighbours)
        assert found.tolist() == labelled(stable_clusters(distances.tolist(), least, neighbours), n), trial
        order = torch.randperm(n, generator=draw)
        other = hdbscan(distances[order][:, order], min_cluster_size=least, min_samples=neighbours)
        assert numbered(other[order.argsort()].tolist()) == found.tolist(), trial
        seen.add(int(found.max()))
    assert seen >= {0, 1, 2}


def test_scikit_learn_s_answer_to_equal_distances_hangs_on_their_order():
    """Three on one spot, and three lone ones at distance 1 from everybody: some order makes a cluster of more."""
    from sklearn.cluster import HDBSCAN

    distances = torch.ones(6, 6, dtype=torch.float64).fill_diagonal_(0)
    distances[:3, :3] = 0
    assert hdbscan(distances, min_cluster_size=2).tolist() == [0, 0, 0, -1, -1, -1]
    draw, sizes = torch.Generator().manual_seed(0), set()
    for _ in range(20):
        order = torch.randperm(6, generator=draw)
        mixed = distances[order][:, order]
        assert sorted(hdbscan(mixed, min_cluster_size=2).tolist()) == [-1, -1, -1, 0, 0, 0]
        peer = HDBSCAN(min_cluster_size=2, min_samples=1, allow_single_cluster=True, metric="precomputed", copy=True)
        sizes.add(tuple(sorted(numbered(peer.fit(mixed.numpy()).labels_.tolist()))))
    assert len(sizes) > 1


def test_density_decides_by_hand():
    """Two trios that stay to density 1 beat the whole, 6 (1 - 1/8) > 6/8, if they are born at 1/8, but not at 2/3."""
    for gap, expected in ((8.0, [0, 0, 0, 1, 1, 1]), (1.5, [0] * 6)):
        points = torch.tensor([0.0, 1.0, 2.0, 2 + gap, 3 + gap, 4 + gap], dtype=torch.float64)
        assert hdbscan((points[:, None] - points).abs(), min_cluster_size=3).tolist() == expected


@pytest.mark.parametrize("n", [1, 2, 3])
def test_too_few_points_for_a_cluster_are_outliers_and_points_on_one_spot_are_one(n):
    assert hdbscan(torch.zeros(n, n), min_cluster_size=3).tolist() == ([0] * 3 if n == 3 else [-1] * n)


def test_what_rounding_may_do_to_equal_distances_changes_nothing():
    points = torch.tensor([0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0], dtype=torch.float64)
    distances = (points[:, None] - points).abs()
    noise = 1e-15 * torch.rand(7, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    moved = (distances + noise + noise.T).fill_diagonal_(0)
    for least in (2, 3, 4):
        assert torch.equal(hdbscan(distances, min_cluster_size=least), hdbscan(moved, min_cluster_size=least))
