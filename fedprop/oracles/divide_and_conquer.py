"""Definition of divide-and-conquer, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from fedprop.oracles.vectors import Rows, mean_of


def scores_of(rows: Rows, *, centred: bool = True) -> list[float]:
    """<x_i - mean, v>^2 with v the top right singular vector of the centred rows; a sum for all v that share the top.

    Scores are over the largest, and rounded to nine digits: what is closer is equal.
    """
    x = np.asarray(rows, float)
    x = x / (np.abs(x).max() or 1.0)
    x = x - x.mean(axis=0) if centred else x
    _, sizes, directions = np.linalg.svd(x, full_matrices=False)
    if sizes[0] <= 1e-9:
        return [0.0] * len(rows)
    top = directions[sizes**2 >= (1 - 1e-9) * sizes[0] ** 2]
    found = ((x @ top.T) ** 2).sum(axis=1)
    return [round(float(v), 9) for v in found / found.max()]


def bad_of(scores: list[float], out: int) -> set[int]:
    """The rows with the largest scores; of equal ones, the last."""
    return set(sorted(range(len(scores)), key=lambda i: (scores[i], i))[len(scores) - out :])


def divide_and_conquer(
    rows: Rows,
    f: int,
    generator: torch.Generator,
    c: float = 1.0,
    b: int = 10_000,
    iterations: int = 1,
    scores: Callable[[Rows], list[float]] = scores_of,
    union: bool = False,
) -> list[float]:
    """The mean of the rows that are among the n - round(c f) lowest scores in each sample; zero if none is.

    A sample is the first b of torch's `randperm` of the coordinates.

    Source: Shejwalkar and Houmansadr, NDSS 2021, Algorithm 2.
    """
    d, bad = len(rows[0]), []
    for _ in range(iterations):
        chosen = sorted(torch.randperm(d, generator=generator)[:b].tolist())
        bad.append(bad_of(scores([[x[j] for j in chosen] for x in rows]), round(c * f)))
    gone = set.intersection(*bad) if union else set.union(*bad)
    good = [x for i, x in enumerate(rows) if i not in gone]
    return [mean_of(column) for column in zip(*good, strict=True)] if good else [0.0] * d


def _misread(**changed: Any) -> Callable[..., list[float]]:
    def wrong(
        rows: Rows, f: int, generator: torch.Generator, c: float = 1.0, b: int = 10_000, iterations: int = 1
    ) -> list[float]:
        return divide_and_conquer(rows, f, generator, **{"c": c, "b": b, "iterations": iterations, **changed})

    return wrong


def _lengths(rows: Rows) -> list[float]:
    """All of the scatter, not that along one direction."""
    means = [mean_of(column) for column in zip(*rows, strict=True)]
    return [sum((v - m) ** 2 for v, m in zip(x, means, strict=True)) for x in rows]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "union of the good sets": _misread(union=True),
    "rows not centred": _misread(scores=lambda rows: scores_of(rows, centred=False)),
    "distances from the mean": _misread(scores=_lengths),
    "smallest scores out": _misread(scores=lambda rows: [-score for score in scores_of(rows)]),
}
