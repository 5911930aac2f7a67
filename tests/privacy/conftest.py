import pytest
import torch

from fedprop.data.base import Examples
from fedprop.training import Shards


@pytest.fixture
def shards():
    """Two clients with four examples each."""
    return Shards(Examples(torch.ones(8, 4), torch.zeros(8, dtype=torch.int64)), torch.split(torch.arange(8), 4))
