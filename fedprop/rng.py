"""Counter-based randomness: every draw is a function of the seed and of what it is for.

A stream is named by `(seed, role, *counters)`, for example `(7, "train", client, round)`. Two streams with different
names are independent, and no stream depends on how often another was used, so results cannot depend on the order in
which clients happen to run.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from struct import Struct

import torch


def key(seed: int, role: str, *counters: int) -> int:
    """The 63-bit number that names a stream. Equal names give equal keys in every process and on every machine."""
    begins, pack = _stream(seed, role, len(counters))
    return int.from_bytes(blake2b(begins + pack(*counters), digest_size=8).digest(), "little") >> 1


def words(seed: int, role: str, *counters: int) -> tuple[int, ...]:
    """Eight independent 64-bit numbers, cheap enough for every simulated message."""
    begins, pack = _stream(seed, role, len(counters))
    return _eight(blake2b(begins + pack(*counters)).digest())


_eight, _one = Struct("<8Q").unpack, Struct("<Q").unpack_from


@lru_cache(maxsize=256)
def _stream(seed: int, role: str, counters: int) -> tuple[bytes, Callable[..., bytes]]:
    """What all names of one role begin with, and what makes the rest of one out of so many counters."""
    return role.encode() + b"\0" + Struct("<q").pack(seed), Struct(f"<{counters}q").pack


def fraction(word: int) -> float:
    """A 64-bit number as a draw in the open interval (0, 1)."""
    # 52 bits and a half fit a float64 exactly; with one bit more the largest draw would round up to 1.
    return ((word >> 12) + 0.5) / 2**52


def uniform(seed: int, role: str, *counters: int) -> float:
    """One draw in the open interval (0, 1)."""
    begins, pack = _stream(seed, role, len(counters))
    return fraction(*_one(blake2b(begins + pack(*counters)).digest()))


def generator(seed: int, role: str, *counters: int) -> torch.Generator:
    """A CPU generator for tensors; CPU, so that a run draws the same numbers whatever device trains it."""
    return torch.Generator().manual_seed(key(seed, role, *counters))
