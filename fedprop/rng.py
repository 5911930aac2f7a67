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
    name = _stream(seed, role).copy()
    name.update(_packer(len(counters))(*counters))
    return int.from_bytes(name.digest(), "little") >> 1


@lru_cache(maxsize=256)
def _stream(seed: int, role: str) -> blake2b:
    """What all keys of one role begin with."""
    return blake2b(role.encode() + b"\0" + _packer(1)(seed), digest_size=8)


@lru_cache(maxsize=16)
def _packer(count: int) -> Callable[..., bytes]:
    return Struct(f"<{count}q").pack


def uniform(seed: int, role: str, *counters: int) -> float:
    """One draw in the open interval (0, 1), cheap enough for every simulated message."""
    # 52 bits and a half fit a float64 exactly; with one bit more the largest draw would round up to 1.
    return ((key(seed, role, *counters) >> 11) + 0.5) / 2**52


def generator(seed: int, role: str, *counters: int) -> torch.Generator:
    """A CPU generator for tensors; CPU, so that a run draws the same numbers whatever device trains it."""
    return torch.Generator().manual_seed(key(seed, role, *counters))
