import pytest
import torch

from fedprop.data.base import Examples
from fedprop.training import Shards


@pytest.fixture
def shards():
    """Five clients with 7, 1, 0, 4 and 12 examples of four numbers in three classes; client 2 has nothing."""
    draw = torch.Generator().manual_seed(0)
    sizes = [7, 1, 0, 4, 12]
    pool = Examples(torch.randn(24, 4, generator=draw), torch.randint(3, (24,), generator=draw))
    return Shards(pool, torch.split(torch.randperm(24, generator=draw), sizes))


@pytest.fixture
def pairs(shards):
    """The same, but nobody holds a single example, so that no batch is too small to be normalised."""
    return Shards(shards.pool, (shards.parts[0], shards.parts[4][:2], *shards.parts[2:]))
