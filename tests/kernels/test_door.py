import logging
import threading
from types import SimpleNamespace

import pytest

from fedprop import Experiment
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.kernels import door, kernels_used, loops


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch):
    """Nothing is loaded yet, and Numba seems to be there."""
    monkeypatch.setattr(door, "installed", lambda: True)
    door._warmed.cache_clear()
    yield monkeypatch
    door._warmed.cache_clear()


def module(monkeypatch: pytest.MonkeyPatch, warm) -> None:
    monkeypatch.setattr(door, "import_module", lambda name: SimpleNamespace(name=name, warm=warm))


def test_loops_are_for_large_rows_unless_it_is_said_otherwise(unknown: pytest.MonkeyPatch) -> None:
    module(unknown, lambda: None)
    with kernels_used("large"):
        assert loops("gram", door.LARGE).name == "fedprop.kernels.gram"
        assert loops("gram", door.LARGE - 1) is None
        with kernels_used("always"):
            assert loops("gram", 1) is not None
        with kernels_used("never"):
            assert loops("gram", door.LARGE) is None


def test_without_numba_there_are_none(unknown: pytest.MonkeyPatch) -> None:
    unknown.setattr(door, "installed", lambda: False)
    with kernels_used("always"):
        assert loops("gram", door.LARGE) is None


def test_compiling_is_not_done_without_a_word(unknown: pytest.MonkeyPatch) -> None:
    """The loops are ready as soon as it has been said, and a second time nothing is said."""
    told: list[str] = []
    said = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())
            said.set()

    unknown.setattr(door, "SILENT", 0.01)
    module(unknown, lambda: said.wait(60))
    listener = Listener()
    door.LOG.addHandler(listener)
    try:
        with kernels_used("always"):
            assert loops("gram", 1) is loops("gram", 1) is not None
    finally:
        door.LOG.removeHandler(listener)
    assert told == ["fedprop gets compiled loops ready (gram): some seconds, the first time on this machine"]


def test_where_they_cannot_be_compiled_it_is_said_once(unknown: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("cannot cache function: no locator available")

    module(unknown, fail)
    with kernels_used("always"):
        with pytest.warns(RuntimeWarning, match="Numba cannot compile here, so NumPy does it all: cannot cache"):
            assert loops("gram", 1) is None
        assert loops("gram", 1) is None


def test_the_environment_says_how_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, expected in (("never", "never"), ("always", "always")):
        monkeypatch.setenv("FEDPROP_KERNELS", value)
        door._from_environment.cache_clear()
        assert door._from_environment() == expected
    monkeypatch.setenv("FEDPROP_KERNELS", "perhaps")
    door._from_environment.cache_clear()
    with pytest.raises(InvalidConfig, match="`FEDPROP_KERNELS` must be one of large, always, never; found 'perhaps'"):
        resolve(Experiment(rounds=1, clients=5, data="digits", model="logistic_regression", defense="mean"))
    monkeypatch.undo()
    door._from_environment.cache_clear()
