"""Definition of resampling, and how it has been misread."""

from collections.abc import Callable, Mapping

import torch

from fedprop.oracles.vectors import Rows, mean_of


def resampling(rows: Rows, s: int, generator: torch.Generator) -> list[list[float]]:
    """The means of n groups of s rows: of a random order of s copies of all rows, each s in turn.

    Source: He, Karimireddy and Jaggi 2020, Algorithm 1 (reconstructed). The order is torch's `randperm` of s n places,
    of which place p holds row p mod n.
    """
    n = len(rows)
    order = [place % n for place in torch.randperm(s * n, generator=generator).tolist()]
    return _means(rows, [order[i * s : (i + 1) * s] for i in range(n)])


def _means(rows: Rows, groups: list[list[int]]) -> list[list[float]]:
    return [[mean_of([rows[i][j] for i in group]) for j in range(len(rows[0]))] for group in groups]


def _with_replacement(rows: Rows, s: int, generator: torch.Generator) -> list[list[float]]:
    """Each group draws anew, so that a row may be in more than s groups."""
    return _means(rows, torch.randint(len(rows), (len(rows), s), generator=generator).tolist())


def _buckets(rows: Rows, s: int, generator: torch.Generator) -> list[list[float]]:
    """Bucketing, which uses every row once."""
    order = torch.randperm(len(rows), generator=generator).tolist()
    return _means(rows, [order[i : i + s] for i in range(0, len(rows), s)])


MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {
    "drawn with replacement": _with_replacement,
    "every row once": _buckets,
    "in order": lambda rows, s, generator: _means(
        rows, [[(i * s + k) % len(rows) for k in range(s)] for i in range(len(rows))]
    ),
}
