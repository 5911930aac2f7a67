"""The examples of tasks and steps of one's own, at tiny sizes: attacked and defended."""

from importlib import import_module
from pathlib import Path

import pytest

from fedprop.data import Digits

EXAMPLES = Path(__file__).parent.parent / "examples"
FLIPPED = {"kind": "sign_flip", "z": 10.0, "share": 0.2}


@pytest.fixture
def load(monkeypatch):
    """An example by its name, as a module."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return import_module


def test_a_generator_learns_behind_a_median_and_not_behind_a_mean(load):
    example = load("fed_gan")
    data = example.pictures(Digits(train_size=300, test_size=100).load(None, seed=0))
    far, near = (example.play(data, FLIPPED, {"kind": kind}, rounds=12) for kind in ("mean", "median"))
    assert near < 0.8 * far
    assert near < 1


def test_a_cell_is_found_behind_krum_and_not_behind_a_mean(load):
    example = load("fed_nas")
    data = Digits(train_size=300, test_size=100).load(None, seed=0)
    (broken, _), (found, chosen) = (
        example.play(data, FLIPPED, defense, rounds=10)
        for defense in ({"kind": "mean"}, {"kind": "krum", "f": 2, "m": 6})
    )
    assert found > broken + 0.3
    assert len(chosen) == 2
