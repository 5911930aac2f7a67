"""Rules that see one coordinate at a time: a weighted sum of its ordered values."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator, RowConsumer
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, add_blocks, fill, map_blocks, within_range
from fedprop.aggregators.compiled_order import mean_by_loops
from fedprop.aggregators.network_kernel import fits, mean_in_registers
from fedprop.aggregators.sorting_network import order_columns
from fedprop.types import Updates, Vector, Weights

Ordered: TypeAlias = Float[Tensor, "c n"]
"""One line per coordinate: its n values in ascending order."""

Shares: TypeAlias = Float[Tensor, "#c n"]
"""For each coordinate, or for all alike, the share of each order statistic, in float64; a line sums to one."""


NETWORK_ROWS = 48
"""Up to so many rows a network of comparisons beats sorting column by column; it grows faster than n log n."""

NETWORK_COLUMNS = 1 << 15
"""Columns compared at once; with so many, the cost of calling torch for each comparison no longer counts."""


def mean_ordered(updates: Rows, used: range, rule: RowConsumer | None = None) -> Vector:
    """The aggregate [d] of rows [n, d]: in each coordinate, the mean of the order statistics `used`, in float64.

    Values in float64 are divided before they are added, since their sum may overflow where the mean does not. A `rule`
    that `sees_not_finite` names itself: rows with NaN or infinity are then refused in its name.
    """
    if (found := mean_by_loops(updates, used, 0, rule)) is not None:
        return found
    mean, columns = _way(updates)
    return _filled(updates, map_blocks(lambda block: mean(block, used), updates, columns))


def means_leaving_out(updates: Rows, some: Sequence[int], used: range) -> Float[Tensor, "k d"]:
    """For each of some rows, by index, the `mean_ordered` [d] of all other rows of `updates` [n, d]."""
    found = torch.empty(len(some), updates.shape[1], dtype=updates.dtype, device=updates.device)
    return fill(found, map_blocks(lambda block: _mean_leaving_out(block, block[list(some)], used), updates))


def _mean_leaving_out(block: Tensor, some: Tensor, used: range) -> Tensor:
    """The means [k, c] of the order statistics `used` of a block [n, c], each without the values of one row [k, c].

    Who takes one of n ordered values away leaves those that are used among so many and one more; of these he takes one
    himself, or else the first or the last. Nothing is subtracted from a sum: it would lose digits beside giants.
    """
    window = sorted_columns(block)[:, used.start : used.stop + 1].contiguous()
    shares = window.double() / len(used)
    before, after = shares.cumsum(dim=1), shares.flip(1).cumsum(dim=1).flip(1)
    means = torch.zeros_like(shares)
    means[:, 1:] += before[:, :-1]
    means[:, :-1] += after[:, 1:]
    taken = torch.searchsorted(window, some.T.contiguous()).clamp_(max=len(used))
    return within_range(means.gather(1, taken), block.dtype).to(block.dtype).T


def _way(updates: Rows) -> tuple[Callable[[Tensor, range], Tensor], int | None]:
    """The fastest way to work out a block of such rows, and how many columns it should have if not the usual ones."""
    if fits(updates):
        return mean_in_registers, updates.shape[1] if isinstance(updates, Tensor) else None
    if updates.device.type != "cuda" and len(updates) <= NETWORK_ROWS:
        return _mean_by_network, NETWORK_COLUMNS
    return _mean_by_sorting, None


def _mean_by_network(block: Tensor, used: range) -> Tensor:
    rows = order_columns(block.numpy(), used)
    if block.dtype == torch.float64:
        rows = [row / len(used) for row in rows]
    total = rows[0].astype(np.float64)
    with np.errstate(over="ignore"):
        for row in rows[1:]:
            total += row
    return torch.from_numpy(total if block.dtype == torch.float64 else total / len(used))


def _mean_by_sorting(block: Tensor, used: range) -> Tensor:
    values = sorted_columns(block)[:, used.start : used.stop]
    if block.dtype == torch.float64:
        return (values / len(used)).sum(dim=1)
    return values.mean(dim=1, dtype=torch.float64)


def mean_near(
    updates: Rows, centre: range, keep: int, shares: Callable[[Tensor], Tensor], rule: RowConsumer | None = None
) -> Vector:
    """In each coordinate, the mean of the `keep` values nearest to that of the order statistics `centre`.

    `shares` says the same. A `rule` that `sees_not_finite` names itself, as for `mean_ordered`.
    """
    if (found := mean_by_loops(updates, centre, keep, rule)) is not None:
        return found
    if updates.dtype == torch.float64:
        return sum_ordered(updates, shares)
    # A sum that is divided is rounded as compiled loops round it: sums of float32 are nearly all exact.
    return sum_ordered(updates, lambda ordered: (shares(ordered) > 0).double(), keep)


def sum_ordered(updates: Rows, shares: Callable[[Tensor], Tensor], over: int = 1) -> Vector:
    """The aggregate [d] of rows [n, d]: shares times ordered values, summed in float64, divided by `over`."""

    def aggregate(block: Tensor) -> Tensor:
        ordered = sorted_columns(block)
        weighted: Tensor = torch.linalg.vecdot(ordered.double(), shares(ordered))
        return weighted / over

    return _filled(updates, map_blocks(aggregate, updates))


def row_weights(updates: Rows, shares: Callable[[Tensor], Tensor]) -> Weights:
    """The weight [n] of each of the rows [n, d]: the mean over all coordinates of the share it holds, in float64.

    Rows with equal values are taken in no particular order.
    """

    def held(block: Tensor) -> Tensor:
        order = order_of_columns(block)
        given = shares(block.T.gather(1, order)).expand(order.shape)
        return torch.empty_like(given).scatter_(1, order, given).sum(dim=0)

    total = torch.zeros(len(updates), dtype=torch.float64, device=updates.device)
    return add_blocks(total, held, updates) / updates.shape[1]


def _filled(updates: Rows, means: Iterable[Tensor]) -> Vector:
    """A vector [d] like the rows, of means of their values given block by block."""
    value = fill(torch.empty(updates.shape[1], dtype=updates.dtype, device=updates.device), means)
    return within_range(value) if value.dtype == torch.float64 else value


def sorted_columns(block: Tensor) -> Ordered:
    """A line for each column of a block [n, c], with its values in ascending order."""
    if block.is_cuda:
        return block.T.sort(dim=1).values
    # NumPy sorts short lines with vector instructions: faster than torch sorts them or either selects from them.
    ordered = np.array(block.numpy().T, order="C")
    ordered.sort(axis=1)
    return torch.from_numpy(ordered)


def order_of_columns(block: Tensor) -> Tensor:
    """A line for each column of a block [n, c]: which rows hold its values in ascending order, equal ones in any."""
    if block.is_cuda:
        return block.T.argsort(dim=1)
    return torch.from_numpy(np.array(block.numpy().T, order="C").argsort(axis=1))


class CoordinateRule(Aggregator):
    """Base of the coordinate-wise rules. The rows' weights are worked out in the full form only.

    A new rule defines `shares`, a pure function: blocks of coordinates call it from several threads.
    """

    looks_at: ClassVar[str] = "coordinates"
    cost: ClassVar[str] = "n log n d"
    reads_columns: ClassVar[bool] = True

    @abstractmethod
    def shares(self, ordered: Ordered) -> Shares:
        """The share in float64 of each order statistic, given every coordinate's values in ascending order."""

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        value = self.value(cohort.updates)
        return Aggregation(value, row_weights(cohort.updates, self.shares).to(value.dtype), state)

    def value(self, updates: Rows) -> Vector:
        return sum_ordered(updates, self.shares)

    def value_for(self, cohort: Cohort, state: Any) -> Vector:
        return self.value(cohort.updates)


class OrderedMean(CoordinateRule):
    """Base of the coordinate-wise rules that average some neighbouring order statistics: a new rule defines `used`."""

    sees_not_finite: ClassVar[bool] = True

    @abstractmethod
    def used(self, n: int) -> range:
        """Which of the n values in ascending order are averaged, counted from 0."""

    def shares(self, ordered: Ordered) -> Shares:
        n = ordered.shape[1]
        used = self.used(n)
        shares = torch.zeros(1, n, dtype=torch.float64, device=ordered.device)
        shares[0, used.start : used.stop] = 1 / len(used)
        return shares

    def value(self, updates: Rows) -> Vector:
        return mean_ordered(updates, self.used(len(updates)), self)

    def leaving_out(self, cohort: Cohort) -> Callable[[Sequence[int]], Updates]:
        rows = cohort.updates
        return lambda some: means_leaving_out(rows, some, self.used(len(rows) - 1))
