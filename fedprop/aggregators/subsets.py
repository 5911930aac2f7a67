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

AT_ONCE = 1024
"""Sets that are scored together: few enough for their matrices to stay in a cache."""

SAME = 1e-14
"""Means this close, in squared distance relative to the rows' lengths, are the same answer."""

Score = Callable[[Tensor], Tensor]
"""What sets [s, h] of rows, each by its indices, score [s]; the least is the best."""


def refuse_many(n: int, f: int, name: str) -> None:
    """Refuse a search that would not end soon. Raises `InvalidUpdates`."""
    if (found := comb(n, f)) > MOST_SUBSETS:
        raise InvalidUpdates(
            f"`f` must satisfy n choose f <= {MOST_SUBSETS} for {name}, which tries all sets; "
            f"found n={n}, f={f}: {found:.3g} sets"
        )


def best_subset(n: int, f: int, score: Score, device: torch.device) -> Tensor:
    """The rows of the first set, in lexicographic order, whose score is the least but for rounding."""
    scores = torch.cat([score(sets) for sets in _sets(n, f, device)])
    return _nth(n, f, int(_best(scores)[0]), device)


def several_best(gram: Gram, f: int, score: Score) -> bool:
    """Whether sets with other means have the least score too, but for rounding."""
    n = len(gram)
    scores = torch.cat([score(sets) for sets in _sets(n, f, gram.device)])
    weights = torch.stack([weights_of(_nth(n, f, int(place), gram.device), n) for place in _best(scores)[:AT_ONCE]])
    away = weights - weights[0]
    return bool((((away @ gram) * away).sum(dim=1) > SAME * gram.diagonal().max()).any())


def _best(scores: Weights) -> Tensor:
    return (scores <= scores.min() * (1 + TIE)).nonzero().flatten()


def _sets(n: int, f: int, device: torch.device) -> Iterator[Tensor]:
    every = combinations(range(n), n - f)
    while sets := list(islice(every, AT_ONCE)):
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
