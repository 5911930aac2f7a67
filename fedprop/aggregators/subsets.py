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


def best_subset(
    n: int, f: int, score: Score, device: torch.device, bound: Bound | None = None, then: Score | None = None
) -> Tensor:
    """The rows of the set whose score is the least but for rounding; of several that with the least of `then`.

    If these are several too, it is the first in lexicographic order. With a `bound` on scores that costs less than they
    do, few sets are scored.
    """
    best = _best(_scores(n, f, score, device, bound))
    if then is not None and len(best) > 1:
        some = torch.split(best, _at_once(n - f))
        best = best[_best(torch.cat([then(_sets_at(n, f, places)) for places in some]))]
    return _sets_at(n, f, best[:1])[0]


def several_best(gram: Gram, f: int, score: Score, bound: Bound | None = None) -> bool:
    """Whether sets with other means have the least score too, but for rounding."""
    n = len(gram)
    scores = _scores(n, f, score, gram.device, bound)
    best = _sets_at(n, f, _best(scores)[:AT_ONCE])
    weights = torch.stack([weights_of(chosen, n) for chosen in best])
    away = weights - weights[0]
    return bool((((away @ gram) * away).sum(dim=1) > SAME * gram.diagonal().max()).any())


def _scores(n: int, f: int, score: Score, device: torch.device, bound: Bound | None) -> Weights:
    """A score for each set, or its bound where that is enough to know the least score and the first set with it."""
    if bound is None or comb(n, f) <= 4 * FEW:
        return torch.cat([score(sets) for sets in _sets(n, f, device)])
    scores = torch.cat([bound(kept) for kept in _masks(n, f, device)])
    bounded = torch.ones(len(scores), dtype=torch.bool, device=device)
    while len(places := _unsettled(scores, bounded)):
        scores[places] = score(_sets_at(n, f, places))
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
    every = combinations(range(n), n - f)
    while sets := list(islice(every, _at_once(n - f))):
        yield torch.tensor(sets, device=device)


def _at_once(size: int) -> int:
    """How many sets of so many rows are scored together."""
    return max(1, min(AT_ONCE, ENTRIES // size**2))


def _sets_at(n: int, f: int, places: Tensor) -> Tensor:
    """The sets at places in lexicographic order."""
    wanted = torch.full_like(places, n - f)
    chosen = torch.zeros(len(places), n, dtype=torch.bool, device=places.device)
    for row in range(n):
        # How many sets go on with this row, by how many rows they still want; there are no more places than the most.
        following = [0, *(min(MOST_SUBSETS, comb(n - row - 1, want - 1)) for want in range(1, n - f + 1))]
        with_row = torch.tensor(following, device=places.device)[wanted]
        taken = places < with_row
        chosen[:, row] = taken
        places = places.where(taken, places - with_row)
        wanted = wanted - taken.long()
    return chosen.nonzero()[:, 1].view(len(places), n - f)
