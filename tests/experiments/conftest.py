"""Data that runs in tests share."""

import pytest
import torch

from fedprop.data import Dataset


@pytest.fixture(scope="module")
def toy():
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(80) % 2
    x = torch.randn(80, 2, generator=draw) + 2.0 * y[:, None]
    return Dataset.from_arrays("toy", x, y, x[:20], y[:20])
