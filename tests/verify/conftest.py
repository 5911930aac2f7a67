import pytest


@pytest.fixture(autouse=True)
def time_to_shrink(monkeypatch):
    """How small a counterexample becomes must not depend on how busy the machine is."""
    monkeypatch.setattr("fedprop.verify.hunt.SHRINKING", 600.0)
