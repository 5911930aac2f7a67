"""Magnitude rectification: a stage that drops rows of unusual length and gives all others the same."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, ScaledRows
from fedprop.aggregators.contract import Contract, open_behind
from fedprop.aggregators.filtered import filtered
from fedprop.aggregators.norm_filter import relative_lengths
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Updates, Weights

TIE = 1e-9
"""A ratio of lengths that exceeds the bound by this share of it, or less, does so by rounding."""


class MagnitudeRectification(Stage):
    """Drop the rows whose length is far from the median one, and scale the others to the mean of their lengths.

    The ratio q of a row is its length over the median length, or the other way round, whichever is at least 1. Rows go
    whose q exceeds `times` the sum of mean and deviation of the floor(n / 2) smallest ratios, or of the smallest if
    there is one row. The deviation is that of just these, divided by their number.

    Half of the ratios are finite, and the least is below the bound, so some row is always left; all are if none is more
    than `times` as long, or as short, as the median. A row of zeros has an infinite ratio and goes; but where the
    median length is zero, the ratios of zeros are 1, and they alone stay.

    A mean behind it is the corrective aggregation of HeteroFL, whose last step it is: a Byzantine row that stays is as
    long as an honest one, and counts as much.

    Attributes
    ----------
    times : how many times mean and deviation a ratio may be.

    Source: Lu et al., "HeteroFL", 2024, Algorithm 6; it does not say which deviation.

    >>> import torch
    >>> MagnitudeRectification()(torch.tensor([[1.0, 0.0], [0.0, 3.0], [-2.0, 0.0], [60.0, 0.0], [0.0, 0.0]]))
    tensor([[ 2.,  0.],
            [ 0.,  2.],
            [-2.,  0.]])
    """

    looks_at: ClassVar[str] = "lengths"
    reads_columns: ClassVar[bool] = True

    kind: Literal["magnitude_rectification"] = "magnitude_rectification"
    times: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 8.0

    @classmethod
    def examples(cls) -> tuple["MagnitudeRectification", ...]:
        return cls(), cls(times=1.0)

    def apply(self, cohort: Cohort, state: None) -> Staged:
        found, median = relative_lengths(cohort.updates)
        kept = self._excess(found, median) <= TIE
        staged = filtered(cohort, kept)
        factors = same_length(found[kept])
        rows: Rows = ScaledRows(factors, staged.updates)
        relative = (found / median).where(found != median, 1)
        return Staged(staged.cohort.with_updates(rows), factors[:, None] * staged.mixing, measured=relative)

    def _excess(self, found: Weights, median: Tensor) -> Weights:
        """By how much the ratio of each row [n] exceeds the bound, as a share of it."""
        ratios = (found / median).maximum(median / found).where(found != median, 1)
        smallest = ratios.sort().values[: max(1, len(ratios) // 2)]
        bound = self.times * (smallest.mean() + smallest.std(correction=0))
        return ratios / bound - 1

    def carry(self, contract: Contract) -> Contract:
        """Order, rotations and one scale for all do not matter to lengths; where an answer lies does."""
        return contract.keeping(
            "permutation",
            "scaling",
            "orthogonal",
            "idempotent",
            "linear",
            examples=contract.ignoring,
            ambiguous=open_behind(contract, self, self._tied),
        )

    def _tied(self, updates: Updates) -> bool:
        """Whether rounding decides if a row is dropped."""
        return bool((self._excess(*relative_lengths(updates)).abs() <= 2 * TIE).any())


def same_length(found: Weights) -> Weights:
    """What rows of these lengths [n] are multiplied by to be as long as the mean of them; 1 for a row of zeros."""
    return (found.mean() / found).where(found > 0, 1)
