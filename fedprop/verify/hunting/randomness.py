"""Global random generators, watched."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def seeded(seed: int) -> Iterator[Callable[[], str]]:
    """Seed the global generators, all as before afterwards; what it gives tells which of them has been used."""
    before = random.getstate(), np.random.get_state(), torch.default_generator.get_state()
    random.seed(seed)
    np.random.seed(seed)
    # `torch.manual_seed` would seed every device as well, which takes longer than asking a rule.
    torch.default_generator.manual_seed(seed)
    start = _positions()

    def moved() -> str:
        return ", ".join(name for name, where in _positions().items() if where != start[name])

    try:
        yield moved
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.default_generator.set_state(before[2])


def _positions() -> dict[str, Any]:
    """Where the generators stand. Python's own is left out: type checkers at run time draw from it, too."""
    numpy = np.random.get_state(legacy=False)["state"]
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": (numpy["key"].tobytes(), numpy["pos"]),
    }
