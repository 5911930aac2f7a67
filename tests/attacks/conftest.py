import pytest
import torch

from fedprop.attacks import View
from fedprop.verify.attacks.inputs import Bowls


@pytest.fixture
def view():
    """Builds views from nested lists; an assumed that nobody expects to be asked fails the test."""

    def build(own, benign=None, *, origin=None, assumed=unexpected, seed=0, dtype=torch.float64):
        own = torch.tensor(own, dtype=dtype)
        origin = torch.zeros(own.shape[1], dtype=dtype) if origin is None else torch.tensor(origin, dtype=dtype)
        benign = None if benign is None else torch.tensor(benign, dtype=dtype)
        return View(own, benign, origin, assumed, torch.Generator().manual_seed(seed), Bowls(), received=2 * len(own))

    return build


def unexpected(updates, f):
    raise AssertionError(f"the rule was asked about {len(updates)} rows with f={f}")
