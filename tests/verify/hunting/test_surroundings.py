"""What a target changes for everybody is told, and put back."""

import os

import numpy as np
import pytest
import torch

from fedprop.verify import verify
from fedprop.verify.hunting.surroundings import SETTINGS, kept

CHANGES = {
    "torch's default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch's number of threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch's recording of gradients": lambda: torch.set_grad_enabled(False),
    "torch's insistence on deterministic algorithms": lambda: torch.use_deterministic_algorithms(True),
    "NumPy's handling of errors": lambda: np.seterr(over="raise"),
    "the working directory": lambda: os.chdir("/"),
}


def settings():
    return {name: read() for name, (read, _) in SETTINGS.items()}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_change_is_told_and_undone(name):
    before = settings()
    with kept() as changed:
        assert changed() == ""
        CHANGES[name]()
        assert changed().startswith(f"{name} is ")
    assert settings() == before


def wide(rows):
    torch.set_default_dtype(torch.float64)
    return rows.mean(dim=0)


def test_a_rule_that_changes_a_setting_fails():
    report = verify(wide, examples=10, f=0, shrink=False, curious=False)
    (broken,) = (outcome for outcome in report.outcomes if outcome.fails)
    assert broken.name == "surroundings"
    assert "default dtype is torch.float64 instead of torch.float32" in broken.counterexample.found
    assert torch.get_default_dtype() == torch.float32
