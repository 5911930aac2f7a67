"""A small sweep: two rules against two attacks."""

import pytest

from fedprop.experiments.sweep import Sweep

BASE = {"rounds": 2, "clients": 10, "data": {"kind": "digits"}, "model": {"kind": "logistic_regression"}}
AXES = {
    "rule": {"Mean": {"defense": {"kind": "mean"}}, "Krum 1": {"defense": {"kind": "krum", "f": 1}}},
    "attack": {
        "Nobody": {"attack": {"kind": "none"}},
        "Matched": {
            "per": "rule",
            "Mean": {"attack": {"kind": "sign_flip", "share": 0.2}},
            "Krum 1": {"attack": {"kind": "fang_krum", "share": 0.1}, "rounds": 1},
        },
    },
}


def a_sweep(**settings):
    return Sweep(**{"name": "small", "base": BASE, "axes": AXES, **settings})


@pytest.fixture(scope="session")
def small():
    """Makes the sweep, with other settings if some are given."""
    return a_sweep


@pytest.fixture(scope="session")
def axes():
    """Its axes, as a file has them."""
    return AXES


@pytest.fixture(scope="session")
def base():
    """What all cells have in common."""
    return BASE
