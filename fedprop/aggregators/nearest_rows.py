"""The mean of the rows that lie nearest to a point."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.chosen import weights_of
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Columns, Rows, mix, read, within_range
from fedprop.aggregators.krum import TIE
from fedprop.aggregators.norm_filter import relative_lengths
from fedprop.types import Updates, Weights


class SeenFrom(Columns):
    """Rows [n, d] in float64 minus a point, which `centre` makes, in float64, of each block of columns that is read."""

    def __init__(self, rows: Rows, centre: Callable[[Tensor], Tensor]) -> None:
        self.rows, self.centre = rows, centre
        self.shape, self.dtype, self.device = rows.shape, torch.float64, rows.device

    def read(self, start: int, stop: int) -> Tensor:
        block = read(self.rows, start, stop)
        return within_range(block.double() - self.centre(block))

    def take(self, rows: Tensor) -> "SeenFrom":
        raise NotImplementedError("the point is one of all rows")


class NearestRows(Aggregator):
    """Base of the rules that average the `keep` rows nearest to a point; of rows as near, those with small indices.

    A new rule defines `seen`, the rows as they lie from that point, and how many it keeps. Its work is one pass over
    the rows for their distances, which need not be all from each other, and one for the mean.
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "distances from a point"

    @abstractmethod
    def seen(self, cohort: Cohort) -> Rows:
        """The rows [n, d] minus the point."""

    @abstractmethod
    def keep(self, n: int) -> int:
        """How many of n rows are averaged."""

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        weights = self.weigh(cohort)
        return Aggregation(mix(weights[None], cohort.updates)[0], weights.to(cohort.updates.dtype), state)

    def weigh(self, cohort: Cohort) -> Weights:
        """Equal weights [n] in float64 for the rows that are kept."""
        found = relative_lengths(self.seen(cohort))[0]
        return weights_of(found.argsort(stable=True)[: self.keep(len(found))], len(found))

    def tied(self, updates: Updates) -> bool:
        """Whether the last row kept is as near as the first one left out, for a rule of rows alone."""
        near: Weights = relative_lengths(self.seen(Cohort(updates)))[0].sort().values
        last = self.keep(len(near))
        return last < len(near) and bool(near[last] <= near[last - 1] * (1 + TIE))
