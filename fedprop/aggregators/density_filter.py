"""Density filter: a stage that drops rows which lie closer together than most."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.aggregators.close_distances import close_distances
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, open_behind
from fedprop.aggregators.filtered import filtered, region_of_some
from fedprop.aggregators.krum import TIE
from fedprop.aggregators.nudges import nudged
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Gram, Updates, Weights


class DensityFilter(Stage):
    """Drop the rows that lie more than `threshold` times as densely as the median row: sybils, who send alike.

    The density of a row is the local reachability density of the local outlier factor: one over a mean over its
    neighbours y, all rows that are as near as its `k`-th nearest or nearer, of the larger of the distance from y to the
    row and that from y to its own `k`-th nearest. It is infinite for a row of which `k` others are copies, and infinite
    densities are equal. With `drop: sparse` the rows go that are so much less dense than the median one, outliers. At
    least half of the rows stay. Distances within 1e-9 of each other are equal.

    More than `k` attackers who send the same row are dropped as long as they are fewer than half; those far from each
    other are not, which takes a rule behind the filter. With a mean there it is the survey's rule of Wan et al.

    Needs n > k. The default k and threshold are ours: for groups of four or more, and honest rows in many dimensions,
    whose densities hardly differ.

    Attributes
    ----------
    k : which of the nearest rows tells how near a row's neighbours are.
    threshold : a multiple of the median density.
    drop : which rows go, the dense or the sparse ones.

    Source: Wan, Lu, Hu, Zhang and Pei, "Shielding Federated Learning: A New Attack Approach and Its Defense", WCNC
    2021, reconstructed from what Shi et al. 2022 say of it: a density-based detection of updates that are too similar.
    The density is that of Breunig, Kriegel, Ng and Sander, "LOF: Identifying Density-based Local Outliers", SIGMOD
    2000, Definition 6.

    >>> rows = torch.tensor([[0.0], [3.0], [6.0], [9.0], [12.0], [5.0], [5.1], [5.2]])
    >>> DensityFilter(k=2)(rows).flatten()
    tensor([ 0.,  3.,  6.,  9., 12.])
    """

    looks_at: ClassVar[str] = "distances"
    cost: ClassVar[str] = "n^2 d"
    sees_not_finite: ClassVar[bool] = True
    reads_columns: ClassVar[bool] = True

    kind: Literal["density_filter"] = "density_filter"
    k: PositiveInt = 3
    threshold: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 2.0
    drop: Literal["dense", "sparse"] = "dense"

    @classmethod
    def examples(cls) -> tuple["DensityFilter", ...]:
        return cls(), cls(k=1, threshold=1.2), cls(k=2, threshold=1.5, drop="sparse")

    @property
    def min_rows(self) -> int:
        return self.k + 1

    def requirement(self) -> str:
        return "n > k"

    def too_few(self, n: int) -> str:
        return f"`k` must satisfy {self.requirement()} for DensityFilter; found n={n}, k={self.k}"

    def apply(self, cohort: Cohort, state: None) -> Staged:
        return filtered(cohort, self._keeps(close_distances(cohort.updates, self)))

    def carry(self, contract: Contract) -> Contract:
        """What holds for some of the rows as it does for all; honest ones may be among those dropped."""
        return contract.keeping(
            "permutation",
            "translation",
            "scaling",
            "orthogonal",
            "idempotent",
            "linear",
            "tolerates",
            examples=contract.ignoring,
            lies_in=region_of_some(contract),
            ambiguous=open_behind(contract, self, self._tied),
        )

    def _keeps(self, distances: Gram) -> Tensor:
        found = densities(distances, self.k)
        ordered, n = found.sort().values, len(found)
        median = ordered[(n - 1) // 2] / 2 + ordered[n // 2] / 2
        if self.drop == "dense":
            return found <= self.threshold * median * (1 + TIE)
        return self.threshold * found * (1 + TIE) >= median

    def _tied(self, updates: Updates) -> bool:
        """Whether rounding decides if a row is kept."""
        distances = close_distances(updates, self)
        kept = self._keeps(distances)
        return any(not torch.equal(self._keeps(moved), kept) for moved in nudged(distances, updates))


def densities(distances: Gram, k: int) -> Weights:
    """The local reachability density [n] of each row, in float64, by the distances [n, n]; infinite among copies."""
    others = distances.clone().fill_diagonal_(torch.inf)
    reach = others.sort(dim=1).values[:, k - 1]
    near = others <= reach[:, None] * (1 + TIE)
    return near.sum(dim=1) / torch.maximum(distances, reach).where(near, 0).sum(dim=1)
