"""Norm clipping: a stage that bounds how far a single row can reach."""

from typing import ClassVar, Literal

import torch

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, ScaledRows
from fedprop.aggregators.contract import Contract, open_behind
from fedprop.aggregators.inner_products import lengths
from fedprop.aggregators.rescaled import SHORT, Rescaled, each_to_size, times_power
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Positive, Weights


class NormClipping(Stage):
    """Scale every row longer than `max_norm` down to that Euclidean length; leave shorter rows as they are.

    Attributes
    ----------
    max_norm : the Euclidean length to which longer rows are cut.

    Source: Sun et al., "Can You Really Backdoor Federated Learning?", 2019, Section 4 (norm thresholding).

    >>> import torch
    >>> NormClipping(max_norm=1.0)(torch.tensor([[3.0, 4.0], [0.0, 0.5]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.5000]])
    """

    looks_at: ClassVar[str] = "lengths"
    reads_columns: ClassVar[bool] = True

    kind: Literal["norm_clipping"] = "norm_clipping"
    max_norm: Positive

    @classmethod
    def examples(cls) -> tuple["NormClipping", ...]:
        return (cls(max_norm=2.0), cls(max_norm=1e4))

    @property
    def by_direction(self) -> bool:
        return True

    def apply(self, cohort: Cohort, state: None) -> Staged:
        factors, rows = self._factors(cohort.updates)
        return Staged(cohort.with_updates(rows), factors.diag())

    def _factors(self, updates: Rows) -> tuple[Weights, Rows]:
        """What each row is multiplied by, and the products."""
        found = lengths(updates)
        if updates.dtype == torch.float64 and not (self.max_norm > SHORT and torch.isfinite(found).all()):
            return self._in_own_units(updates)
        factors = (self.max_norm / found).clamp(max=1)
        return factors, ScaledRows(factors, updates)

    def _in_own_units(self, updates: Rows) -> tuple[Weights, Rows]:
        """As `_factors`, for lengths beyond the range of float64: each row that is clipped, in a unit of its own."""
        sized, sizes = each_to_size(updates)
        found = lengths(sized)
        clipped = found > times_power(torch.full_like(found, self.max_norm), -sizes)
        factors, shifts = (self.max_norm / found).where(clipped, 1), sized.shifts.where(clipped, 0)
        return times_power(factors, shifts), ScaledRows(factors, Rescaled(updates, shifts))

    def carry(self, contract: Contract) -> Contract:
        """Order and rotations do not matter to lengths; everything measured against the rows as sent is given up."""
        ambiguous = open_behind(contract, self)
        return contract.keeping("permutation", "orthogonal", "linear", "examples", ambiguous=ambiguous)
