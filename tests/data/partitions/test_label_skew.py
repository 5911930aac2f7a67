import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.data import IID, Dirichlet, FangNonIID, LabelSkew, label_counts, label_diversity, load_diversity
from fedprop.errors import InvalidConfig


def counts(partition, *, clients=20, classes=10, each=500, seed=0):
    labels = torch.arange(classes).repeat_interleave(each)
    parts = partition.split(labels, clients, classes, torch.Generator().manual_seed(seed))
    return label_counts(labels, parts, classes)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.integers(1, 6), st.data())
def test_everything_is_dealt_and_nobody_holds_more_than_k_classes(clients, classes, data):
    k = data.draw(st.integers(-(-classes // clients), classes))
    found = counts(LabelSkew(k=k, q=5.0), clients=clients, classes=classes, each=60, seed=data.draw(st.integers(0, 99)))
    assert found.sum(0).tolist() == [60] * classes
    assert (found > 0).sum(1).tolist() == [k] * clients


def test_one_class_each_in_equal_shares_by_hand():
    """Six clients and three classes, one class each and nearly equal shares: each class goes half and half to two."""
    found = counts(LabelSkew(k=1, q=1e8), clients=6, classes=3, each=10)
    assert sorted(found.tolist()) == sorted([[5, 0, 0], [0, 5, 0], [0, 0, 5]] * 2)


def test_which_classes_a_client_draws_is_random():
    held = {tuple(counts(LabelSkew(k=2, q=50.0), seed=seed)[0].nonzero().flatten().tolist()) for seed in range(40)}
    assert len(held) > 20  # of 45 pairs


def test_it_is_diverse_in_both_ways_and_the_partition_of_others_in_loads_alone():
    """Figure 1 of the paper; with k classes of L each, a class has a share k / L of the clients: 0.2, about."""
    even, fang, drawn, skew = map(counts, (IID(), FangNonIID(p=0.5), Dirichlet(q=0.2), LabelSkew(k=2)))
    assert float(label_diversity(even).max()) == float(label_diversity(fang).max()) == 0.0
    assert float(label_diversity(drawn).min()) > 0.25
    assert float(label_diversity(skew).mean()) == pytest.approx((0.2 * 0.8) ** 0.5, abs=0.05)
    loads = [float(load_diversity(found).mean()) for found in (even, fang, drawn, skew)]
    assert loads == sorted(loads)
    assert loads[1] > 5 * loads[0]


@pytest.mark.parametrize("k", [1, 11])
def test_a_number_of_classes_that_leaves_some_to_nobody_is_refused(k):
    with pytest.raises(InvalidConfig, match=f"`k` must lie between 2 and 10 for LabelSkew, so that 5 .* found {k}"):
        counts(LabelSkew(k=k), clients=5)


def test_a_minimum_out_of_reach_is_refused():
    with pytest.raises(InvalidConfig, match=r"to 20 clients with k=2 and q=0.01, somebody always had fewer; found 100"):
        counts(LabelSkew(q=0.01, min_size=100, max_draws=3))
