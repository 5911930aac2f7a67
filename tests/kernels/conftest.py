from collections.abc import Iterator

import pytest

from fedprop.kernels import door, kernels_used


@pytest.fixture
def loops_used(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rules use the loops on rows of all sizes: compiled where Numba is installed, and else as Python runs them."""
    monkeypatch.setattr(door, "installed", lambda: True)
    with kernels_used("always"):
        yield
