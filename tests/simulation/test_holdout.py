import pytest
import torch
from torch import nn

from fedprop.data.base import Examples
from fedprop.params import ParameterLayout
from fedprop.simulation.holdout import LocalTests, hold_out
from fedprop.training import Shards


def shards_of(sizes):
    pool = Examples(
        torch.randn(sum(sizes), 2, generator=torch.Generator().manual_seed(0)), torch.arange(sum(sizes)) % 2
    )
    return Shards(pool, torch.split(torch.randperm(sum(sizes), generator=torch.Generator().manual_seed(1)), sizes))


@pytest.mark.parametrize(("size", "kept"), [(0, 0), (1, 0), (2, 1), (4, 1), (10, 3), (20, 6)])
def test_a_share_of_the_examples_is_for_testing(size, kept):
    shards = shards_of([size, 3])
    train, test = hold_out(shards, 0.3, seed=0)
    assert (train.count(0), test.count(0)) == (size - kept, kept)
    assert sorted([*train.parts[0].tolist(), *test.parts[0].tolist()]) == sorted(shards.parts[0].tolist())


def test_no_share_is_no_example():
    assert hold_out(shards_of([9]), 0.0, seed=0)[1].sizes == (0,)


def test_somebody_who_tests_on_almost_everything_trains_all_the_same():
    train, test = hold_out(shards_of([3]), 0.99, seed=0)
    assert (train.count(0), test.count(0)) == (1, 2)


def test_who_holds_out_what_depends_on_the_seed_and_the_client():
    shards = shards_of([50, 50])
    splits = [hold_out(shards, 0.5, seed)[1].parts for seed in (0, 0, 1)]
    assert splits[0][0].equal(splits[1][0])
    assert not splits[0][0].equal(splits[2][0])
    same = Shards(shards.pool, (torch.arange(50), torch.arange(50)))
    first, second = hold_out(same, 0.5, 0)[1].parts
    assert not first.equal(second)


def test_a_model_is_tested_on_the_clients_own_examples():
    module = nn.Linear(2, 2)
    held = shards_of([6, 0, 9])
    tests = LocalTests(module, held)
    parameters = ParameterLayout.of(module).flatten(module)
    for client in (0, 2):
        part = held.parts[client]
        right = (module(held.pool.x[part]).argmax(1) == held.pool.y[part]).double().mean()
        assert tests(client, parameters) == pytest.approx(float(right))
    assert tests(1, parameters) is None
