"""Definition of similarity detection, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from fedprop.oracles.sign_guard import centres
from fedprop.oracles.sybil_removal import relative_similarity
from fedprop.oracles.vectors import Row, Rows, mean_of, within_reach

UNIT, TIE = 2.0**-30, 1e-9
"""Scores are rounded to the one; distances are equal if they differ by less than the other times the bandwidth."""

CANCELLED = 1e-3
"""A sum of rows shorter than this share of the root of the sum of their squares has no direction."""

Score = Callable[[Row, Rows], float]


class Clustered(NamedTuple):
    """The places in each cluster, and its centre."""

    places: list[int]
    centre: float


def bandwidth(scores: Row, quantile: float) -> float:
    """The mean distance to the floor(quantile n)-th nearest score, itself being the first, and at least the second."""
    place = min(len(scores), max(2, int(len(scores) * quantile)))
    return mean_of([sorted(abs(s - other) for other in scores)[place - 1] for s in scores]) * (1 + TIE)


def mean_shift(scores: Row, quantile: float) -> list[Clustered]:
    """Clusters of scores: each belongs to the nearest centre, or else, with a bandwidth of zero, to its equals."""
    width = bandwidth(scores, quantile)
    found = centres([(s,) for s in scores], width) if width > 0 else [(s,) for s in sorted(set(scores), reverse=True)]
    nearest = []
    for s in scores:
        away = [abs(s - centre) for (centre,) in found]
        nearest.append(next(k for k, a in enumerate(away) if a <= min(away) + TIE * width))
    return [Clustered([i for i, k in enumerate(nearest) if k == j], centre) for j, (centre,) in enumerate(found)]


def scores_of(rows: Rows, among: Rows, score: Score) -> list[float]:
    """Scores that are equal but for rounding are equal."""
    return [round(score(x, among) / UNIT) * UNIT for x in rows]


def mean_row(rows: Rows) -> list[float]:
    """The mean of some rows, or zero where they cancel."""
    mean = [mean_of(column) for column in zip(*rows, strict=True)]
    size = math.hypot(*(math.hypot(*x) for x in rows))
    return [0.0] * len(mean) if math.hypot(*mean) * len(rows) <= CANCELLED * size else mean


def groups_of(found: Sequence[Clustered], order: Sequence[int]) -> list[list[int]]:
    """Group i has the i-th member, in this order, of each cluster that has one."""
    members = [[i for i in order if i in cluster.places] for cluster in found]
    return [[m[i] for m in members if len(m) > i] for i in range(max(map(len, members)))]


def suspects_of(rows: Rows, groups: Sequence[Sequence[int]], quantile: float, score: Score) -> list[int]:
    """All rows of groups whose mean is not in the largest cluster; of equal ones, not in that of the highest centre."""
    means = [mean_row([rows[i] for i in group]) for group in groups]
    found = mean_shift(scores_of(means, means, score), quantile)
    benign = max(found, key=lambda cluster: (len(cluster.places), cluster.centre))
    return [i for k, group in enumerate(groups) if k not in benign.places for i in group]


def similarity_detection(
    rows: Rows,
    generator: torch.Generator,
    beta: float = 0.3,
    quantile: float = 0.3,
    self_similarity: bool = True,
    of_all: bool = False,
    highest: bool = False,
    ungrouped: bool = False,
    among_suspects: bool = False,
) -> list[list[float]]:
    """The rows but for the floor(beta |C_2|) of the suspects C_2 with the lowest scores; the first drawn of equal ones.

    Client i comes at the i-th place of torch's `randperm`.

    Source: Lu et al. 2024, Algorithms 3 and 4 (beta and the bandwidth are reconstructed).
    """
    score = partial(relative_similarity, self_similarity=self_similarity)
    places = torch.randperm(len(rows), generator=generator).tolist()
    order = sorted(range(len(rows)), key=places.__getitem__)
    scores = scores_of(rows, rows, score)
    groups = [[i] for i in order] if ungrouped else groups_of(mean_shift(scores, quantile), order)
    suspects = suspects_of(within_reach(rows), groups, quantile, score)
    known = {i: scores[i] for i in suspects}
    if among_suspects:
        own = [rows[i] for i in suspects]
        known = dict(zip(suspects, scores_of(own, own, score), strict=True))
    count = int(beta * (len(rows) if of_all else len(suspects)) + 1e-9)
    going = sorted(suspects, key=lambda i: (-known[i] if highest else known[i], places[i]))[:count]
    return [list(x) for i, x in enumerate(rows) if i not in going]


def _misread(**changed: Any) -> Callable[..., list[list[float]]]:
    def wrong(
        rows: Rows, generator: torch.Generator, beta: float, quantile: float, self_similarity: bool
    ) -> list[list[float]]:
        own = {"beta": beta, "quantile": quantile, "self_similarity": self_similarity}
        return similarity_detection(rows, generator, **{**own, **changed})

    return wrong


MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {
    "itself left out": _misread(self_similarity=False),
    "itself counted": _misread(self_similarity=True),
    "a share of all rows": _misread(of_all=True),
    "all suspects": _misread(beta=1.0),
    "the most similar go": _misread(highest=True),
    "no groups": _misread(ungrouped=True),
    "scored among suspects": _misread(among_suspects=True),
}
