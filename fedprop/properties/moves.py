"""The transformations that the invariances speak of. A small seed gives one that a person can follow in the head."""

import torch
from torch import Tensor

PLAIN = 8
"""Number of seeds, the smallest ones, that stand for simple transformations; counterexamples shrink to these."""


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def order(n: int, seed: int) -> Tensor:
    """An order of n rows: reversed, turned round by a few places, or random."""
    if seed < PLAIN:
        return torch.arange(n).flip(0).roll(seed)
    return torch.randperm(n, generator=_generator(seed))


def shift(d: int, seed: int) -> Tensor:
    """A vector [d] of integers: all 1, 10, 100, ... or random up to 2**20."""
    if seed < PLAIN:
        return torch.full((d,), 10.0**seed, dtype=torch.float64)
    return torch.randint(-(2**20), 2**20, (d,), generator=_generator(seed)).double()


def factor(seed: int) -> float:
    """A power of two, so that scaling is exact: 2, 4, ... or random between 2**-30 and 2**30."""
    exponent = seed + 1 if seed < PLAIN else int(torch.randint(-30, 30, (), generator=_generator(seed)))
    return 2.0**exponent


def rotation(d: int, seed: int) -> Tensor:
    """An orthogonal matrix [d, d]: a quarter turn, a turn by the angle of the 3-4-5 triangle, or random."""
    if seed >= PLAIN or d == 1:
        square = torch.randn(d, d, generator=_generator(seed), dtype=torch.float64)
        turned: Tensor = torch.linalg.qr(square).Q
        return turned
    sine, cosine = ((1.0, 0.0), (0.8, 0.6))[seed % 2]
    matrix = torch.eye(d, dtype=torch.float64)
    matrix[:2, :2] = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64)
    return matrix


def large_counts(n: int, seed: int) -> tuple[int, ...]:
    """Numbers of examples up to millions for n clients, some of them none: 1, 1000, 0, 1, 1000, 0, ... or random."""
    if seed < PLAIN:
        return tuple((1, 1000, 0)[(i + seed) % 3] for i in range(n))
    digits: list[int] = torch.randint(0, 7, (n,), generator=_generator(seed)).tolist()
    return tuple(0 if k == 0 else 10**k + i for i, k in enumerate(digits))


def counts(n: int, seed: int) -> tuple[int, ...]:
    """Numbers of examples for n clients: 1, 2, 3, 1, 2, 3, ... from some place on, or random from 1 to 4."""
    if seed < PLAIN:
        return tuple(1 + (i + seed) % 3 for i in range(n))
    drawn: list[int] = torch.randint(1, 5, (n,), generator=_generator(seed)).tolist()
    return tuple(drawn)
