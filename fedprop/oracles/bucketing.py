"""Definition of bucketing, and how it has been misread."""

from collections.abc import Callable, Mapping

import torch

from fedprop.oracles.vectors import Rows, mean_of


def bucketing(rows: Rows, s: int, generator: torch.Generator) -> list[list[float]]:
    """The means of each `s` rows in turn of a random order, pi; the last of what is left over.

    Source: Karimireddy et al., ICLR 2022, Algorithm 1: y_i = 1/s sum_{k=(i-1)s+1}^{min(n, is)} x_{pi(k)}; the last
    bucket is divided by the number of its rows, since it is to be their mean. The order is torch's `randperm`.
    """
    order = torch.randperm(len(rows), generator=generator).tolist()
    return _means(rows, [order[i : i + s] for i in range(0, len(rows), s)])


def _means(rows: Rows, buckets: list[list[int]]) -> list[list[float]]:
    return [[mean_of([rows[i][j] for i in bucket]) for j in range(len(rows[0]))] for bucket in buckets]


def _in_order(rows: Rows, s: int, generator: torch.Generator) -> list[list[float]]:
    """Without a random order, so that attackers who stand together share a bucket, or spread over all, as they like."""
    return _means(rows, [list(range(i, min(i + s, len(rows)))) for i in range(0, len(rows), s)])


def _last_dropped(rows: Rows, s: int, generator: torch.Generator) -> list[list[float]]:
    """A bucket that is not full is thrown away, with its rows."""
    order = torch.randperm(len(rows), generator=generator).tolist()
    return _means(rows, [order[i : i + s] for i in range(0, len(rows) - s + 1, s)])


def _last_divided_by_s(rows: Rows, s: int, generator: torch.Generator) -> list[list[float]]:
    """A bucket that is not full is divided by s all the same."""
    order = torch.randperm(len(rows), generator=generator).tolist()
    buckets = [order[i : i + s] for i in range(0, len(rows), s)]
    return [[sum(rows[i][j] / s for i in bucket) for j in range(len(rows[0]))] for bucket in buckets]


def _with_replacement(rows: Rows, s: int, generator: torch.Generator) -> list[list[float]]:
    """Each bucket draws its rows anew, so that one row may be in many."""
    count = -(-len(rows) // s)
    return _means(rows, torch.randint(len(rows), (count, s), generator=generator).tolist())


MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {
    "in the order of the rows": _in_order,
    "the last bucket dropped": _last_dropped,
    "the last bucket divided by s": _last_divided_by_s,
    "drawn with replacement": _with_replacement,
}
