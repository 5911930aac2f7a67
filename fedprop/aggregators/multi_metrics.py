"""Multi-metrics: the mean of the rows that stand apart least by three distances at once."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.close_distances import close_distances
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import JoinedRows, Rows, ScaledRows, add_blocks, mix, take
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.coordinate import order_of_columns
from fedprop.aggregators.inner_products import inner_products, lengths
from fedprop.aggregators.rescaled import ZERO, Rescaled, exponents
from fedprop.aggregators.views import CANCELLATION, seen_by_direction
from fedprop.types import Gram, Updates, Weights

CONSTANT = 1e-9
"""A metric that varies less than this share of its size, or a mixture of less variance than this share of the most
varied one's, is constant but for rounding."""

FAR = (-400, 400)
"""Powers of two between which the squares of the largest entries, and of those that matter beside them, are floats."""

TIE = 1e-9
"""Scores this close, relative to the largest, count as equal."""

CLEAR = 1e-6
"""Scores farther apart than this share of the largest are told apart whatever rounding does."""

ALIGNED = 1e-20
"""Rows whose 1 - cos is smaller point the same way, but for rounding."""


class MultiMetrics(Aggregator):
    """The mean of the share `p` of rows with the lowest scores; of equal ones the first rows.

    Each row gets three numbers, sums over all others: of (1 - cos)^2, of Manhattan distances, and of the differences of
    Euclidean lengths. With z for these and C for their covariance over the rows, its score is z' C^-1 z: the metrics
    are whitened, so that none outweighs the others for its unit. At least one row is kept. The authors weigh those by
    claimed examples; here each counts the same, since nothing says that the claims are true.

    The covariance is inverted where it can be told from rounding: each metric is measured in its own deviation, metrics
    that are equal for all rows do not count, nor do mixtures of them that vary less than 1e-9 of the most varied one.
    The paper compares updates and its code models; here it is updates, and the three sums are those of the code.

    Attributes
    ----------
    p : the share of rows that is kept, rounded down.

    Source: Huang et al., "Multi-metrics Adaptively Identifies Backdoors in Federated Learning", ICCV 2023, Algorithm 1,
    and the authors' code.

    >>> rows = torch.tensor([[1.0, 0.0], [1.1, 0.0], [1.0, 0.2], [0.9, 0.1], [-8.0, 5.0]])
    >>> MultiMetrics(p=0.8).aggregate(rows).weights
    tensor([0.2500, 0.2500, 0.2500, 0.2500, 0.0000])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "three distances"
    cost: ClassVar[str] = "n^2 d"

    kind: Literal["multi_metrics"] = "multi_metrics"
    p: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3

    @classmethod
    def examples(cls) -> tuple["MultiMetrics", ...]:
        return cls(), cls(p=0.7)

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            scaling=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL,
            ambiguous=self._open,
        )

    def combine(self, cohort: Cohort, state: None) -> Aggregation:
        rows = cohort.updates
        kept = lowest(scores(metrics(rows)), self._count(len(rows)))
        weights = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
        weights[kept] = 1 / len(kept)
        return Aggregation(mix(weights[None], rows)[0], weights.to(rows.dtype))

    def _count(self, n: int) -> int:
        """How many of n rows are kept."""
        return max(1, int(self.p * n + TIE))

    def _open(self, updates: Updates) -> bool:
        """Whether the last row kept and the first one left out score the same, but for rounding."""
        found, count = scores(metrics(updates)).sort().values, self._count(len(updates))
        return count < len(found) and bool(found[count] - found[count - 1] <= CLEAR * found[-1])


def metrics(rows: Rows) -> Tensor:
    """For each row the three sums over all others [n, 3], in float64, in some unit of length."""
    sized = in_reach(rows)
    found = lengths(sized)
    apart = (found[:, None] - found).abs()
    return torch.stack([angles(rows).square().sum(dim=1), manhattan_sums(sized), apart.sum(dim=1)], dim=1)


def angles(rows: Rows) -> Gram:
    """1 - cos [n, n] of each pair of rows, half the squared distance of their directions; 1 for a row of zeros.

    It follows from inner products but where these have lost digits, as they do for rows that point nearly the same way:
    such pairs are told by the distance of their directions.
    """
    view = seen_by_direction(rows, inner_products)
    inverse = view.gram.diagonal().rsqrt()
    pointing = torch.isfinite(inverse)
    apart = 1 - view.gram * inverse * inverse[:, None]
    apart = apart.where(pointing & pointing[:, None], 1).fill_diagonal_(0)
    lost = (apart < CANCELLATION).fill_diagonal_(False)
    few = lost.any(dim=1).nonzero().flatten()
    if len(few):
        directions = ScaledRows(inverse[few], JoinedRows(take(view.rows, few), dtype=torch.float64))
        pairs = (few[:, None], few)
        apart[pairs] = torch.where(lost[pairs], close_distances(directions).square() / 2, apart[pairs])
    return apart.where(apart >= ALIGNED, 0)


def manhattan_sums(rows: Rows) -> Weights:
    """The sum [n], in float64, of the Manhattan distances of each row from all others."""
    total = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
    return add_blocks(total, _to_all_others, rows)


def _to_all_others(block: Tensor) -> Weights:
    """For each row of a block [n, w] the sum over its columns of the distances of its value from all values there.

    From one value to the next larger one the sum changes by the gap between them, for each value below, and by less the
    gap for each one above. It is at least the distance of the two outmost values, so the digits that this loses are
    those of a sum of n such.
    """
    n = len(block)
    order = order_of_columns(block)
    gaps = block.T.gather(1, order).double().diff(dim=1)
    below = torch.arange(1, n, dtype=torch.float64, device=block.device)
    sums = torch.cat([(gaps @ (n - below))[:, None], gaps.mul_(2 * below - n)], dim=1).cumsum(dim=1)
    return torch.empty_like(sums).scatter_(1, order, sums).sum(dim=0)


def in_reach(rows: Rows) -> Rows:
    """The rows, in float64 in a unit near the largest of all entries if squares would leave its range otherwise."""
    if rows.dtype != torch.float64:
        return rows
    sizes = exponents(rows)
    largest = int(sizes.max())
    if FAR[0] < largest < FAR[1] or largest == ZERO:
        return rows
    return Rescaled(rows, torch.full_like(sizes, -largest))


def scores(found: Tensor) -> Weights:
    """Z' C^-1 z [n] of numbers z [n, 3], C being their covariance."""
    deviation = found.std(dim=0, correction=0)
    varied = deviation > CONSTANT * found.abs().amax(dim=0)
    if not varied.any():
        return torch.zeros_like(found[:, 0])
    z = found[:, varied] / deviation[varied]
    centred = z - z.mean(dim=0)
    variances, axes = torch.linalg.eigh(centred.T @ centred / len(z))
    seen = variances > CONSTANT * variances.max()
    whitened: Tensor = (z @ axes)[:, seen].square() / variances[seen]
    return whitened.sum(dim=1)


def lowest(found: Weights, count: int) -> Tensor:
    """The rows [count] with the lowest scores; of scores equal but for rounding, those that come first."""
    ordered = found.sort().values
    last = ordered[count - 1]
    reach = TIE * found.abs().max()
    sure, open_ = (found < last - reach).nonzero().flatten(), ((found - last).abs() <= reach).nonzero().flatten()
    return torch.cat([sure, open_[: count - len(sure)]])
