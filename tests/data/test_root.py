"""The server's own examples are nobody else's."""

import pytest
import torch

from fedprop.data.base import Dataset, Examples
from fedprop.data.root import RootData
from fedprop.errors import InvalidConfig


def dataset(size):
    train = Examples(torch.arange(size)[:, None].float(), torch.arange(size) % 3)
    return Dataset("numbers", train, train, 3)


def test_every_example_goes_to_the_server_or_stays():
    root, rest = RootData(size=4).split(dataset(10), torch.Generator().manual_seed(1))
    kept = root.x.flatten().tolist()
    assert len(set(kept)) == 4
    assert sorted(kept + rest.train.x.flatten().tolist()) == list(range(10))
    assert [int(x) % 3 for x in kept] == root.y.tolist()
    assert len(rest.test) == 10


def test_the_generator_decides():
    drawn = [RootData(size=4).split(dataset(50), torch.Generator().manual_seed(s))[0].x for s in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_something_must_be_left():
    with pytest.raises(
        InvalidConfig, match=r"`root\.size` must be below the number of training examples, 10; found 10"
    ):
        RootData(size=10).split(dataset(10), torch.Generator())
