"""MAB-RFL's two filters: who moves too much alike to be honest, and who moves the other way."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedprop.types import Updates

LEAST_SHARE = 1e-12
"""Directions with less than this share of the variance are rounding."""


def sybils(momenta: Updates, threshold: float) -> list[int]:
    """The rows [n, d] of the largest group of those that are linked: none if nobody is.

    Rows are linked if their inner product exceeds the threshold, directly or by way of others. Of groups of equal size
    the one is meant that holds the earliest row.
    """
    groups = _components(_products(momenta) > threshold)
    largest = max(groups, key=len, default=[])
    return largest if len(largest) > 1 else []


def outliers(momenta: Updates, *, variance: float, alpha: float) -> list[int]:
    """The rows [n, d] of the smaller of two clusters, if the means of these point apart: else none.

    Clusters are those of Ward's method, on as many principal components as explain the share `variance`. The means are
    those of the rows themselves, and point apart if their cosine is below `alpha`: of the projected rows, which are
    centred, it would always be -1. Of two clusters of equal size the one goes that holds the first row.
    """
    coordinates = projected(_products(momenta), variance)
    if len(momenta) < 2 or coordinates.shape[1] == 0:
        return []
    labels = _ward(coordinates)
    first = [row for row, label in enumerate(labels) if label == labels[0]]
    second = [row for row, label in enumerate(labels) if label != labels[0]]
    one, other = (momenta[rows].double().mean(dim=0) for rows in (first, second))
    lengths = torch.linalg.vector_norm(one) * torch.linalg.vector_norm(other)
    if not float(one @ other) < alpha * float(lengths):
        return []
    return first if len(first) <= len(second) else second


def projected(gram: Tensor, variance: float) -> NDArray[np.float64]:
    """The rows of inner products [n, n] on their first principal components, as many as explain that share [n, k]."""
    centred = gram - gram.mean(dim=0) - gram.mean(dim=1, keepdim=True) + gram.mean()
    values, vectors = torch.linalg.eigh(centred)
    values, vectors = values.flip(0).clamp(min=0.0), vectors.flip(1)
    total = float(values.sum())
    if total <= LEAST_SHARE * len(gram):
        return np.empty((len(gram), 0))
    explained = (values.cumsum(0) / total).tolist()
    count = 1 + sum(share < variance for share in explained[:-1])
    kept = vectors[:, :count] * values[:count].sqrt()
    return np.asarray(kept.cpu().numpy(), dtype=np.float64)


def _ward(coordinates: NDArray[np.float64]) -> list[int]:
    from sklearn.cluster import AgglomerativeClustering  # takes a second to import

    labels: list[int] = AgglomerativeClustering(n_clusters=2, linkage="ward").fit_predict(coordinates).tolist()
    return labels


def _products(rows: Updates) -> Tensor:
    precise = rows.double()
    return (precise @ precise.T).cpu()


def _components(linked: Tensor) -> list[list[int]]:
    """The groups of a graph given by its matrix [n, n], in the order of their first members."""
    neighbours = linked.tolist()
    groups: list[list[int]] = []
    seen: set[int] = set()
    for start in range(len(neighbours)):
        if start in seen:
            continue
        group, waiting = {start}, [start]
        while waiting:
            row = waiting.pop()
            new = [other for other, near in enumerate(neighbours[row]) if near and other not in group]
            group.update(new)
            waiting += new
        seen |= group
        groups.append(sorted(group))
    return groups


def kept(count: int, gone: Sequence[int]) -> list[int]:
    """The rows of so many that are left."""
    return [row for row in range(count) if row not in set(gone)]
