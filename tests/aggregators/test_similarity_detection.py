import pytest
import torch

from fedprop.aggregators import Cohort, Mean, SimilarityDetection
from fedprop.aggregators.mean_shift import clusters
from fedprop.aggregators.similarity_detection import cosines_of_means, counted, grouped, most_similar
from fedprop.errors import ServerUnknown


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dropped(rows: torch.Tensor, seed: int = 0, **settings: float) -> list[int]:
    kept = SimilarityDetection(**settings).answer(Cohort(rows, generator=draw(seed)), None).cohort.clients
    return sorted(set(range(len(rows))) - set(kept))


def test_by_hand() -> None:
    """Six rows along x and one along minus x: ceil(7 / 2) = 4 cosines make 4 for the six, and 1 - 3 = -2 for the other.

    Two clusters of six and one, so six groups: one with the lonely row and one of the others, five of one row each. The
    mean of the first is zero, or, if the lonely row is longer, along minus x; its score is 0 or 1 - 2 and that of the
    others 3. So both rows of that group are suspect, and half of them is the one with the lower score.
    """
    rows = torch.tensor([[1.0, 0.0]] * 6 + [[-1.0, 0.0]])
    for last in (1.0, 3.0):
        rows[6, 0] = -last
        assert dropped(rows, beta=0.5) == [6]
        assert dropped(rows, beta=0.49) == []
        both = {tuple(dropped(rows, seed, beta=1.0)) for seed in range(40)}
        assert both == {(i, 6) for i in range(6)}


def test_without_its_own_cosine_a_lone_group_has_no_score() -> None:
    """Four rows along x and two along y: three highest of five other cosines make 3 and 1; with their own, 3 and 2.

    Two clusters, so four groups: two of both kinds and two along x, with cosines of 1 within a kind and of 1/sqrt(2)
    between them. Two highest of three other cosines make 1 + 1/sqrt(2) for each of the four, so all are benign.
    """
    rows = torch.tensor([[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 2)
    cohort = Cohort(rows, generator=draw())
    staged = SimilarityDetection(self_similarity=False, beta=1.0).answer(cohort, None)
    assert staged.measured is not None
    assert staged.measured.round().tolist() == [3, 3, 3, 3, 1, 1]
    assert staged.cohort.clients == (0, 1, 2, 3, 4, 5)
    measured = SimilarityDetection(beta=1.0).answer(Cohort(rows, generator=draw()), None).measured
    assert measured is not None
    assert measured.round().tolist() == [3, 3, 3, 3, 2, 2]
    lone = SimilarityDetection(self_similarity=False, beta=1.0).answer(Cohort(rows[:1], generator=draw()), None)
    assert lone.cohort.clients == (0,)
    assert lone.measured is not None
    assert lone.measured.tolist() == [0]


def test_groups_take_one_of_each_cluster_in_the_order_drawn() -> None:
    labels, places = torch.tensor([0, 1, 0, 0, 1]), torch.tensor([3, 0, 1, 4, 2])
    assert grouped(labels, places).tolist() == [1, 0, 0, 2, 1]


def test_the_order_goes_by_client() -> None:
    """The same clients' rows in another order are the same round."""
    rows = torch.randn(12, 3, generator=draw(1), dtype=torch.float64)
    clients = torch.randperm(40, generator=draw(2))[:12]
    first = SimilarityDetection(beta=1.0).answer(Cohort(rows, clients, generator=draw()), None).cohort.clients
    assert 0 < len(first) < 12
    for seed in range(5):
        order = torch.randperm(12, generator=draw(seed))
        cohort = Cohort(rows[order], clients[order], generator=draw())
        again = SimilarityDetection(beta=1.0).answer(cohort, None).cohort.clients
        assert sorted(again) == sorted(first)


def test_means_by_the_cosines_of_their_rows() -> None:
    rows = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0], [-3.0, -4.0], [0.0, 0.0]], dtype=torch.float64)
    units = torch.nn.functional.normalize(rows, dim=1)
    found = cosines_of_means(torch.tensor([0, 1, 1, 0, 2]), units @ units.T, rows.norm(dim=1))
    assert found.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    found = cosines_of_means(torch.tensor([0, 1, 1, 1, 0]), units @ units.T, rows.norm(dim=1))
    expected = torch.nn.functional.cosine_similarity(rows[0], rows[1:4].sum(dim=0), dim=0)
    assert torch.allclose(found, torch.tensor([[1.0, expected], [expected, 1.0]], dtype=torch.float64))


def test_of_clusters_of_one_size_the_more_similar_is_benign() -> None:
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        scores = torch.tensor([1.0, 1.0, 2.0, 2.0], dtype=torch.float64)[order]
        assert most_similar(clusters(counted(scores)[:, None], 0.3)).tolist() == (scores == 2).tolist()


def test_where_nothing_tells_rows_apart_all_stay() -> None:
    assert dropped(torch.ones(9, 3), beta=1.0) == []
    assert dropped(torch.zeros(9, 3), beta=1.0) == []
    assert dropped(torch.eye(9), beta=1.0) == []
    assert dropped(torch.randn(1, 3, generator=draw()), beta=1.0) == []
    assert dropped(torch.tensor([[1.0, 0.0], [-1.0, 0.5]]), beta=1.0) == []


def test_rows_of_any_size() -> None:
    rows = torch.randn(14, 4, generator=draw(3), dtype=torch.float64)
    rows[11:] -= 3
    expected = dropped(rows)
    assert expected
    for unit in (1e200, 1e-200, 1e-300):
        assert dropped(rows * unit) == expected
    rows[0] *= 1e300
    assert torch.isfinite(SimilarityDetection(beta=1.0).answer(Cohort(rows, generator=draw()), None).mixing).all()


def test_it_asks_for_a_generator() -> None:
    with pytest.raises(ServerUnknown, match="`generator` must be given"):
        (SimilarityDetection() >> Mean())(torch.ones(3, 2))
    with pytest.raises(ValueError, match="beta"):
        SimilarityDetection(beta=0.0)
    contract = (SimilarityDetection() >> Mean()).contract()
    assert (contract.permutation, contract.scaling, contract.orthogonal) == (False, True, True)
