"""Definition of DeepSight, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from fedprop.oracles.afa import apart
from fedprop.oracles.hdbscan import stable_clusters
from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, cut, mean_of

MARGIN = 1e-9
"""A share that exceeds a threshold by less than this, relative to it, does not: rounding may do that."""

FLOOR = 1e-6
"""Probabilities of the global model below this count as this, since they divide."""

Head = tuple[Sequence[Sequence[int]], Sequence[int]]
"""For each class, which entries of a row are the weights of its output neuron, and which one is its bias."""

Probabilities = Callable[[Row, int, int], Sequence[Row]]
"""(update, inputs, seed) -> what the model moved by the update answers to each of so many random inputs."""


def normalized_energies(x: Row, head: Head, power: int = 2) -> list[float]:
    """NEUP: E_c^2 / sum of E^2, E_c = |b_c| + sum over h of |w_ch| of the output layer; zeros for an update of none."""
    size = max((abs(x[i]) for part in (*head[0], head[1]) for i in part), default=0.0) or 1.0
    energies = [abs(x[b] / size) + math.fsum(abs(x[h] / size) for h in ws) for ws, b in zip(*head, strict=True)]
    largest = max(energies) or 1.0
    shares = [(e / largest) ** power for e in energies]
    together = math.fsum(shares) or 1.0
    return [share / together for share in shares]


def exceedings(neup: Row) -> int:
    """TE: how many NEUPs exceed max(0.01, 1 / classes) times the largest of them."""
    threshold = max(0.01, 1 / len(neup)) * max(neup)
    return sum(share > threshold * (1 + MARGIN) for share in neup)


def division_differences(answers: Sequence[Row], of_global: Sequence[Row], *, inverted: bool = False) -> list[float]:
    """DDif: for each class the mean over inputs of the client's probability divided by the global model's."""
    above, below = (of_global, answers) if inverted else (answers, of_global)
    ratios = [[ratio(a, b) for a, b in zip(x, y, strict=True)] for x, y in zip(above, below, strict=True)]
    return [mean_of(column) for column in zip(*ratios, strict=True)]


def ratio(a: float, b: float) -> float:
    """One probability divided by another; 0 if one of them is no number."""
    return 0.0 if math.isnan(a) or math.isnan(b) else a / max(b, FLOOR)


def distances(points: Rows) -> list[list[float]]:
    """Euclidean distances, in units of the largest number."""
    size = max(abs(v) for x in points for v in x) or 1.0
    sized = [[v / size for v in x] for x in points]
    return [[math.dist(x, y) for y in sized] for x in sized]


def separated(clusters: Sequence[Sequence[int]], n: int, *, outliers: bool = True) -> list[list[int]]:
    """0 for two points in one cluster, and else 1; outliers are in none, or else all in one."""
    label = {i: number for number, cluster in enumerate(clusters) for i in cluster}
    lone = {i: label.get(i, -1 - i if outliers else -1) for i in range(n)}
    return [[int(lone[i] != lone[j]) for j in range(n)] for i in range(n)]


def deep_sight(
    rows: Rows,
    head: Head,
    probabilities: Probabilities,
    generator: torch.Generator,
    inputs: int = 256,
    seeds: int = 3,
    min_cluster_size: int = 3,
    min_samples: int = 1,
    *,
    power: int = 2,
    inverted: bool = False,
    outliers: bool = True,
    strict: bool = False,
    share: float = 1 / 3,
    cut_first: bool = False,
) -> list[float]:
    """The mean of the accepted updates, each cut to the median length of all; zero if nobody is accepted.

    Flagged are those with TE_i <= median(TE) / 2. Three clusterings, on cosines of bias updates, NEUPs and DDifs (the
    mean over seeds), are averaged, and clients are clustered by that. Accepted are clusters of which less than a third
    is flagged, and outliers, each a cluster of its own.

    Source: Rieger et al., NDSS 2022, Algorithms 1 to 3 (reconstructed).
    """
    n, clusters = len(rows), partial(stable_clusters, least=min_cluster_size, neighbours=min_samples)
    length = median_of([math.hypot(*x) for x in rows])
    rows = [cut(x, length) for x in rows] if cut_first else rows
    neups = [normalized_energies(x, head, power) for x in rows]
    te = [exceedings(neup) for neup in neups]
    flagged = [t < median_of(te) / 2 if strict else t <= median_of(te) / 2 for t in te]
    biases = [[x[b] for b in head[1]] for x in rows]
    views = [[[0.0 if i == j else apart(biases[i], biases[j]) for j in range(n)] for i in range(n)], distances(neups)]
    for seed in torch.randint(2**31, (seeds,), generator=generator).tolist():
        of_global = probabilities([0.0] * len(rows[0]), inputs, seed)
        answers = [probabilities(x, inputs, seed) for x in rows]
        views.append(distances([division_differences(a, of_global, inverted=inverted) for a in answers]))
    cosines, energies, *differences = (separated(clusters(view), n, outliers=outliers) for view in views)
    merged = [
        [(sum(d[i][j] for d in differences) / seeds + energies[i][j] + cosines[i][j]) / 3 for j in range(n)]
        for i in range(n)
    ]
    found = clusters(merged)
    lone = [[i] for i in range(n) if not any(i in cluster for cluster in found)]
    accepted = [c for c in (*found, *lone) if sum(flagged[i] for i in c) < share * len(c) * (1 - MARGIN)]
    kept = sorted(i for cluster in accepted for i in cluster)
    if not kept:
        return [0.0] * len(rows[0])
    columns = zip(*(cut(rows[i], length) for i in kept), strict=True)
    return [math.fsum(v / len(kept) for v in column) for column in columns]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "energies not squared": partial(deep_sight, power=1),
    "the global model's answers divided": partial(deep_sight, inverted=True),
    "outliers are one cluster": partial(deep_sight, outliers=False),
    "flagged below half the median only": partial(deep_sight, strict=True),
    "clusters with a flagged minority": partial(deep_sight, share=0.5),
    "cut before they are judged": partial(deep_sight, cut_first=True),
}
