"""Global random generators, watched."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch


def seed_all(seed: int) -> None:
    """Seed the global generators, for good."""
    random.seed(seed)
    np.random.seed(seed)
    # `torch.manual_seed` would seed every device as well, which takes longer than asking a rule.
    torch.default_generator.manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[Callable[[], str]]:
    """Seed the global generators, all as before afterwards; what it gives tells which of them has been used.

    That takes ten times as long as `seed_all`, since NumPy copies its state number by number.
    """
    before = random.getstate(), np.random.get_state(), torch.default_generator.get_state()
    seed_all(seed)

    def moved() -> str:
        now, start = _positions(), _start(seed)
        return ", ".join(name for name, where in now.items() if where != start[name])

    try:
        yield moved
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.default_generator.set_state(before[2])


@cache
def _start(seed: int) -> dict[str, Any]:
    """Where the generators stand when they have just been seeded."""
    with seeded(seed):
        return _positions()


def _positions() -> dict[str, Any]:
    """Where the generators stand. Python's own is left out: type checkers at run time draw from it, too."""
    numpy = np.random.get_state(legacy=False)["state"]
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": (numpy["key"].tobytes(), numpy["pos"]),
    }
