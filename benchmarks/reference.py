"""What each rule should have answered, at some columns, by the float64 definitions in `fedprop.oracles`.

The definitions are plain loops, too slow for a million columns. A coordinate rule is asked about the wanted columns
alone. A rule that sees only distances gives the same weights to the same rows in any coordinates, so it is asked about
the rows in n coordinates instead of d, and its answer is carried back as weights.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from benchmarks.contenders import RADIUS
from fedprop.oracles.bulyan import selection
from fedprop.oracles.centered_clipping import centered_clipping
from fedprop.oracles.geometric_median import geometric_median
from fedprop.oracles.krum import krum
from fedprop.oracles.mean_around_median import around_median, mean_around_median
from fedprop.oracles.median import median
from fedprop.oracles.nearest_neighbour_mixing import nearest_neighbour_mixing
from fedprop.oracles.trimmed_mean import trimmed_mean

Reference: TypeAlias = Callable[[Tensor, int, Tensor], Tensor]
"""Rows [n, d], f and the indices of columns give the right answer there, in float64."""

CHUNK = 50_000


def embed(rows: Tensor) -> Tensor:
    """The same rows up to a shift and a rotation, in float64 and n coordinates."""
    gram = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for part in rows.split(CHUNK, dim=1):
        centred = part.double() - part.double().mean(dim=0)
        gram += centred @ centred.T
    values, vectors = torch.linalg.eigh(gram)
    return vectors * values.clamp(min=0).sqrt()


def by_column(definition: Callable[[list[list[float]], int], list[float]]) -> Reference:
    """The reference of a rule that sees one coordinate at a time."""
    return lambda rows, f, columns: torch.tensor(definition(rows[:, columns].tolist(), f), dtype=torch.float64)


def by_distances(definition: Callable[[list[list[float]], int], object]) -> Reference:
    """The reference of a rule, or a stage, that sees only the distances between rows."""

    def reference(rows: Tensor, f: int, columns: Tensor) -> Tensor:
        places = embed(rows)
        answer = torch.tensor(definition(places.tolist(), f), dtype=torch.float64)
        return weights_of(answer, places) @ rows[:, columns].double()

    return reference


def weights_of(answer: Tensor, places: Tensor) -> Tensor:
    """The weights, summing to one, with which the rows add up to the answer: [n] for [n], [m, n] for [m, n]."""
    ones = torch.ones(len(places), 1, dtype=places.dtype) * places.norm(dim=1).max()
    target = torch.cat([answer, ones[:1, 0].expand(*answer.shape[:-1], 1)], dim=-1)
    solved: Tensor = torch.linalg.lstsq(torch.cat([places, ones], dim=1).T, target.reshape(-1, len(ones) + 1).T)[0]
    return solved.T.reshape(*answer.shape[:-1], len(ones))


def _bulyan(rows: Tensor, f: int, columns: Tensor) -> Tensor:
    chosen = selection(embed(rows).tolist(), f)
    values = rows[chosen][:, columns].double().T.tolist()
    return torch.tensor([around_median(column, len(chosen) - 2 * f) for column in values], dtype=torch.float64)


def _centered_clipping(rows: Tensor, f: int, columns: Tensor) -> Tensor:
    """Zero, where the step begins, goes along as one more row."""
    zero, *places = embed(torch.cat([torch.zeros_like(rows[:1]), rows]))
    answer = torch.tensor(centered_clipping([(place - zero).tolist() for place in places], RADIUS), dtype=torch.float64)
    return weights_of(zero + answer, torch.stack([zero, *places]))[1:] @ rows[:, columns].double()


REFERENCES: dict[str, Reference] = {
    "median": by_column(lambda rows, f: median(rows)),
    "trimmed mean": by_column(trimmed_mean),
    "mean around median": by_column(mean_around_median),
    "Krum": by_distances(krum),
    "Multi-Krum": by_distances(lambda rows, f: krum(rows, f, len(rows) - f)),
    "geometric median": by_distances(lambda rows, f: geometric_median(rows)),
    "nearest-neighbour mixing": by_distances(nearest_neighbour_mixing),
    "centered clipping": _centered_clipping,
    "Bulyan": _bulyan,
}
"""By the name of the rule in the tables."""
