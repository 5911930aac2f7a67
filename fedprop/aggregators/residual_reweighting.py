"""Residual-based reweighting (IRLS): clients count by how near their parameters lie to a robust line."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import JoinedRows, Rows, fill, map_blocks, within_range
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.repeated_median import ascending, median, repeated_median_slopes
from fedprop.types import Fraction, NonNegative, Positive, Updates, Weights

TIE = 1e-6
"""A confidence this close to `delta` may come out on either side of it."""


class ResidualReweighting(Aggregator):
    """The mean with weights that clients earn coordinate by coordinate, outliers there replaced by a robust line.

    In each coordinate the values, in ascending order, are fitted by the repeated median line over their ranks
    0, 1, ..., n - 1: its slope is the median over i of the median over k of the slope from i to k, its intercept the
    median of the values less slope (n - 1) / 2. With r for the residuals, tau is 1.4826 (1 + 5 / (n - 1)) times the
    median of all |r| but the smallest, plus `epsilon`; e = r / tau; and s^2 is one less the leverage of the rank. The
    confidence in a value is min(1, Z s / |e|), Z = lambda_ sqrt(2 / n). Values with less than `delta` are replaced by
    the line's. A client's weight is the sum over coordinates of its confidence times the standard deviation of all
    confidences there (sample), over the largest such sum, to the power of `power`.

    Of equal values in a coordinate, those of later rows have the higher rank, so their order counts. For one or two
    rows it is the mean; if all confidences are equal everywhere, so is it, of the corrected values. Tolerates f < n / 2
    by its medians; no theorem is known. Costs n^2 d, for slopes from all rows to all others; a second pass orders each
    column again, since weights come from all coordinates.

    Attributes
    ----------
    lambda_ : how many deviations, times sqrt(2 / n), are trusted in full.
    delta : the confidence below which a value is replaced.
    epsilon : added to tau, in the units of the rows: so the rule does not quite scale.
    power : 2 as in the authors' code; the paper may have none, which is 1.

    Source: Fu, Xie, Li and Chen, "Attack-Resistant Federated Learning with Residual-based Reweighting", 2019, as in the
    authors' code (repeated median, Huber's weights), but for leverages: the code takes the largest s of all ranks.

    >>> ResidualReweighting()(torch.tensor([[1.0], [2.0], [3.0], [4.0], [1e9]])) < 5
    tensor([True])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "coordinates"
    cost: ClassVar[str] = "n^2 d"

    kind: Literal["residual_reweighting"] = "residual_reweighting"
    lambda_: Positive = 2.0
    delta: Fraction = 0.1
    epsilon: NonNegative = 1e-7
    power: PositiveInt = 2

    @classmethod
    def examples(cls) -> tuple["ResidualReweighting", ...]:
        return (cls(), cls(lambda_=1.0, power=1))

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            idempotent=True,
            examples="ignored",
            ambiguous=self._tied,
            precision=1e-7,
        )

    def _tied(self, updates: Updates) -> bool:
        """Whether equal values leave ranks to the order of the rows, or rounding decides what is replaced."""
        ordered = updates.sort(dim=0).values
        confident = self._judged(updates, repeated_median_slopes(updates))[0]
        return bool((ordered[1:] == ordered[:-1]).any() or ((confident - self.delta).abs() <= TIE).any())

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows = cohort.updates
        n, d = rows.shape
        slopes = torch.empty(1, d, dtype=torch.float64, device=rows.device)
        weights = self._weights(rows, slopes)
        # The slopes are what costs most by far.
        means = map_blocks(lambda both: weights @ self._judged(both[:n], both[n])[1], JoinedRows(rows, slopes))
        value = fill(torch.empty(d, dtype=torch.float64, device=rows.device), means)
        return Aggregation(within_range(value, rows.dtype).to(rows.dtype), weights.to(rows.dtype), state)

    def _weights(self, rows: Rows, slopes: Tensor) -> Weights:
        """What each row counts [n]; the slopes of all coordinates are written to `slopes` [1, d]."""
        total = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)

        def earned(block: Tensor) -> tuple[Weights, Tensor]:
            found = repeated_median_slopes(block)
            return _earned(self._judged(block, found)[0]), found

        def added() -> Iterator[Tensor]:
            for found, own in map_blocks(earned, rows):
                total.add_(found)
                yield own

        fill(slopes, added())
        if not total.any():
            total += 1
        powers = (total / total.max()) ** self.power
        return powers / powers.sum()

    def _judged(self, block: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """The confidence in each value of a block [n, w] with these slopes [w], and the values, some replaced."""
        n = len(block)
        if n < 3:
            return torch.ones_like(block, dtype=torch.float64), block.double()
        order, ordered = _ordered(block)
        ranks = torch.arange(n, dtype=torch.float64, device=block.device) - (n - 1) / 2
        line = median(ordered)[:, None] + slopes[:, None] * ranks
        residuals = (ordered - line).abs()
        spread = median(ascending(residuals)[:, 1:])
        tau = 1.4826 * (1 + 5 / (n - 1)) * spread[:, None] + self.epsilon
        free = (1 - 1 / n - ranks.square() / ranks.square().sum()).clamp(min=0).sqrt()
        trusted = self.lambda_ * (2 / n) ** 0.5 * free * tau
        confident = (trusted / residuals).clamp(max=1).where(residuals > 0, 1)
        corrected = ordered.where(confident >= self.delta, line)
        return _back(order, confident), _back(order, corrected)


def _ordered(block: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows [w, n] hold the values of each column in ascending order, equal ones in theirs; and the values."""
    if block.is_cuda:
        ordered, order = block.T.double().sort(dim=1, stable=True)
        return order, ordered
    # NumPy orders lines with vector instructions unless equal values are to stay in order, and most lines have none.
    lines = np.array(block.numpy().T, order="C")
    order = torch.from_numpy(lines.argsort(axis=1))
    ordered = torch.from_numpy(lines).gather(1, order)
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(dim=1)
    if tied.any():
        order[tied] = torch.from_numpy(lines[tied.numpy()].argsort(axis=1, kind="stable"))
    return order, ordered.double()


def _back(order: Tensor, values: Tensor) -> Tensor:
    """Values [w, n] in that order as a block [n, w] again."""
    return torch.empty_like(values).scatter_(1, order, values).T


def _earned(confidences: Tensor) -> Weights:
    """For each row of confidences [n, w] their sum, each times the standard deviation of its column."""
    if len(confidences) < 3:
        return torch.zeros(len(confidences), dtype=torch.float64, device=confidences.device)
    return confidences @ confidences.std(dim=0)
