"""All sets of n - f rows, for rules that search through them, and the choice among these by a score."""

from collections.abc import Callable, Iterator
from itertools import combinations, islice
from math import comb

import torch
from torch import Tensor

from fedprop.aggregators.chosen import weights_of
from fedprop.aggregators.krum import TIE
from fedprop.errors import InvalidUpdates
from fedprop.types import Gram, Weights

MOST_SUBSETS = 50_000
"""A search through more sets would take minutes; 20 rows of which 5 are Byzantine have 15,504, 100 with 3 161,700."""

AT_ONCE, ENTRIES = 1024, 1 << 17
"""Sets that are scored together at most, and the entries of their matrices: 1 MiB, which stays in a cache."""

SAME = 1e-14
"""Means this close, in squared distance relative to the rows' lengths, are the same answer."""

FEW = 32
"""Sets that are scored together where most need no score; fewer than four times as many are scored without a bound."""

Score = Callable[[Tensor], Tensor]
"""What sets [s, h] of rows, each by its indices, score [s]; the least is the best."""

Bound = Callable[[Tensor], Tensor]
"""What sets [s, n], with one for each row of theirs and zero for others, score at least [s]; but for rounding."""


def refuse_many(n: int, f: int, name: str) -> None:
    """Refuse a search that would not end soon. Raises `InvalidUpdates`."""
    if (found := comb(n, f)) > MOST_SUBSETS:
        raise InvalidUpdates(
            f"`f` must satisfy n choose f <= {MOST_SUBSETS} for {name}, which tries all sets; "
            f"found n={n}, f={f}: {found:.3g} sets"
        )


def best_subset(n: int, f: int, score: Score, device: torch.device, bound: Bound | None = None) -> Tensor:
    """The rows of the first set, in lexicographic order, whose score is the least but for rounding.

    With a `bound` on scores that costs less than they do, few sets are scored.
    """
    return _nth(n, f, int(_best(_scores(n, f, score, device, bound))[0]), device)


def several_best(gram: Gram, f: int, score: Score, bound: Bound | None = None) -> bool:
    """Whether sets with other means have the least score too, but for rounding."""
    n = len(gram)
    scores = _scores(n, f, score, gram.device, bound)
    weights = torch.stack([weights_of(_nth(n, f, int(place), gram.device), n) for place in _best(scores)[:AT_ONCE]])
    away = weights - weights[0]
    return bool((((away @ gram) * away).sum(dim=1) > SAME * gram.diagonal().max()).any())


def _scores(n: int, f: int, score: Score, device: torch.device, bound: Bound | None) -> Weights:
    """A score for each set, or its bound where that is enough to know the least score and the first set with it."""
    if bound is None or comb(n, f) <= 4 * FEW:
        return torch.cat([score(sets) for sets in _sets(n, f, device)])
    scores = torch.cat([bound(kept) for kept in _masks(n, f, device)])
    bounded = torch.ones(len(scores), dtype=torch.bool, device=device)
    while len(places := _unsettled(scores, bounded)):
        scores[places] = score(torch.stack([_nth(n, f, int(place), device) for place in places]))
        bounded[places] = False
    return scores


def _unsettled(scores: Weights, bounded: Tensor) -> Tensor:
    """The places of some sets that may have the least score, or be the first that has it; none if all is clear."""
    least = scores.where(~bounded, torch.inf).min()
    lower = (bounded & (scores < least * (1 - TIE))).nonzero().flatten()
    if len(lower):
        return lower[scores[lower].argsort(stable=True)[:FEW]]
    best = _best(scores)
    return best[:FEW][bounded[best[:FEW]]] if bounded[best[0]] else best[:0]


def _masks(n: int, f: int, device: torch.device) -> Iterator[Tensor]:
    """The sets in lexicographic order, each with a one for its rows: what they leave out then runs backwards."""
    left_out = torch.tensor(list(combinations(range(n), f)), dtype=torch.int64, device=device).flip(0)
    for some in torch.split(left_out, AT_ONCE):
        yield torch.ones(len(some), n, dtype=torch.float64, device=device).scatter_(1, some, 0.0)


def _best(scores: Weights) -> Tensor:
    return (scores <= scores.min() * (1 + TIE)).nonzero().flatten()


def _sets(n: int, f: int, device: torch.device) -> Iterator[Tensor]:
    every, at_once = combinations(range(n), n - f), max(1, min(AT_ONCE, ENTRIES // (n - f) ** 2))
    while sets := list(islice(every, at_once)):
        yield torch.tensor(sets, device=device)


def _nth(n: int, f: int, place: int, device: torch.device) -> Tensor:
    """The set at a place in lexicographic order."""
    chosen: list[int] = []
    row = 0
    while len(chosen) < n - f:
        with_row = comb(n - row - 1, n - f - len(chosen) - 1)
        if place < with_row:
            chosen.append(row)
        else:
            place -= with_row
        row += 1
    return torch.tensor(chosen, device=device)
