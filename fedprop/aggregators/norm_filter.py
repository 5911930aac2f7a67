"""Norm filter: a stage that drops rows much shorter or longer than the median one."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows
from fedprop.aggregators.contract import Contract, open_behind
from fedprop.aggregators.filtered import filtered, region_of_some
from fedprop.aggregators.inner_products import lengths
from fedprop.aggregators.krum import TIE
from fedprop.aggregators.middle import median_of
from fedprop.aggregators.rescaled import LONG, SHORT, each_to_size, times_power
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Updates, Weights

FAR = 600
"""Powers of two by which a row's length may differ from the median one; the verdict is the same for any more."""


class NormFilter(Stage):
    """Drop the rows whose length is not between `lower` and `upper` times the median length.

    Both bounds are strict, and a row of exactly the median length is kept, which decides where most rows are zero: then
    the zeros stay. Some row always stays, since the longer of the two in the middle is at most twice the median. How
    many do is for the rows to say: the rule behind refuses the round if too few are left for it, which attackers can
    bring about.

    Attributes
    ----------
    lower : the share of the median length above which a row is kept.
    upper : the multiple of the median length below which it is.

    Source: Xu et al., "Byzantine-robust Federated Learning through Collaborative Malicious Gradient Filtering"
    (SignGuard), ICDCS 2022, Algorithm 2, norm-based thresholding with L = 0.1 and R = 3.

    >>> import torch
    >>> NormFilter()(torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 1.0], [9.0, 9.0], [0.01, 0.0]]))
    tensor([[1., 0.],
            [0., 2.],
            [0., 1.]])
    """

    looks_at: ClassVar[str] = "lengths"
    reads_columns: ClassVar[bool] = True

    kind: Literal["norm_filter"] = "norm_filter"
    lower: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    upper: Annotated[float, Field(gt=2.0, allow_inf_nan=False)] = 3.0

    def apply(self, cohort: Cohort, state: None) -> Staged:
        return filtered(cohort, self._keeps(*relative_lengths(cohort.updates)))

    def _keeps(self, found: Weights, median: Tensor) -> Tensor:
        return ((found > self.lower * median) & (found < self.upper * median)) | (found == median)

    def carry(self, contract: Contract) -> Contract:
        """What holds for some of the rows as it does for all; honest ones may be among those dropped."""
        return contract.keeping(
            "permutation",
            "scaling",
            "orthogonal",
            "idempotent",
            "linear",
            "tolerates",
            examples=contract.ignoring,
            lies_in=region_of_some(contract),
            ambiguous=open_behind(contract, self, self._tied),
        )

    def _tied(self, updates: Updates) -> bool:
        """Whether rounding decides if a row is kept."""
        found, median = relative_lengths(updates)
        bounds = (self.lower * median, self.upper * median)
        return any(bool(((found - bound).abs() <= TIE * bound).any()) for bound in bounds)


def relative_lengths(rows: Rows) -> tuple[Weights, Tensor]:
    """The length [n] of each row and the median of them, of an even number the mean of two, both in some unit."""
    found = lengths(rows)
    if rows.dtype == torch.float64 and bool(((found < SHORT) | (found > LONG)).any()):
        found = _in_units_of_the_middle(rows)
    return found, median_of(found)


def _in_units_of_the_middle(rows: Rows) -> Weights:
    """The lengths of rows whose squares may be beyond float64, in a unit near that of the one in the middle."""
    sized, sizes = each_to_size(rows)
    found = lengths(sized)
    middle = (found.log2() + sizes).argsort()[len(found) // 2]
    return times_power(found, (sizes - sizes[middle]).clamp(-FAR, FAR))
