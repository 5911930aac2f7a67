"""Adaptive robust clipping (ARC): a stage that cuts the longest rows to the length of the next one."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, ScaledRows
from fedprop.aggregators.contract import Contract, Kappa, open_behind
from fedprop.aggregators.inner_products import lengths
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.rescaled import LONG, SHORT, ZERO, Rescaled, each_to_size, times_power
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Weights


class AdaptiveClipping(NeedsMajority, Stage):
    """Cut the k longest rows to the length of the next longest, k the whole part of 2 f (n - f) / n.

    No row is longer than an honest one then, and no absolute length has to be chosen. Nothing is cut for f = 0, and
    nothing changes among rows of equal length. A rule that is (f, kappa)-robust is (f, 3 kappa)-robust behind it. Needs
    n >= 2f + 1. Costs one pass for the lengths, n d.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: Allouah, Guerraoui, Gupta, Jellouli, Rizk and Stephan, "Adaptive Gradient Clipping for Robust Federated
    Learning", ICLR 2025, Algorithm 2 and Theorem 3.2; ByzFL's documentation has the k-th longest as the bound, its code
    the next one, as here. Theorem numbers are from memory.

    >>> import torch
    >>> AdaptiveClipping(f=1)(torch.tensor([[3.0, 4.0], [0.0, 9.0], [0.0, 1.0], [2.0, 0.0]]))
    tensor([[3., 4.],
            [0., 5.],
            [0., 1.],
            [2., 0.]])
    """

    looks_at: ClassVar[str] = "lengths"
    reads_columns: ClassVar[bool] = True

    kind: Literal["adaptive_clipping"] = "adaptive_clipping"

    @classmethod
    def examples(cls) -> tuple["AdaptiveClipping", ...]:
        return (cls(f=1), cls(f=2), cls(f=0))

    @property
    def by_direction(self) -> bool:
        return True

    def apply(self, cohort: Cohort, state: None) -> Staged:
        rows, n = cohort.updates, len(cohort.updates)
        clipped = 2 * self.f * (n - self.f) // n
        found, shifts, sized = _lengths(rows)
        order = _descending(found, shifts)
        bound, cut = order[clipped], order[:clipped]
        # A row that is as long as the bound stays as it is, bit for bit.
        cut = cut[(found[cut] != found[bound]) | (shifts[cut] != shifts[bound])]
        factors, powers = torch.ones_like(found), torch.zeros_like(shifts)
        factors[cut], powers[cut] = found[bound] / found[cut], shifts[bound] - shifts[cut]
        new: Rows = ScaledRows(factors, Rescaled(rows, powers) if sized else rows)
        if sized:
            new.dtype = rows.dtype
        return Staged(cohort.with_updates(new), times_power(factors, powers).diag())

    def carry(self, contract: Contract) -> Contract:
        """Order, rotations and one scale for all do not matter to which rows are cut; where an answer lies does."""
        own = contract.kappa
        return contract.keeping(
            "permutation",
            "scaling",
            "orthogonal",
            "idempotent",
            "linear",
            examples=contract.ignoring,
            tolerates=lambda n: range(self.f, self.f + 1) if self.f in contract.tolerates(n) else range(0),
            kappa=None if own is None else Kappa(lambda n, f: 3 * own.bound(n, f), "Allouah et al., ICLR 2025"),
            ambiguous=open_behind(contract, self),
        )


def _lengths(rows: Rows) -> tuple[Weights, Tensor, bool]:
    """The length of each row times two to the power of a whole number, and whether that is needed at all."""
    found = lengths(rows)
    if rows.dtype == torch.float64 and bool(((found < SHORT) | (found > LONG)).any()):
        sized, sizes = each_to_size(rows)
        mantissas, powers = torch.frexp(lengths(sized))
        return mantissas, (powers + sizes).where(mantissas > 0, ZERO), True
    return found, torch.zeros(len(rows), dtype=torch.int32, device=rows.device), False


def _descending(found: Weights, shifts: Tensor) -> Tensor:
    """The indices of the rows, the longest first, and of equally long ones the first."""
    by_length = found.argsort(descending=True, stable=True)
    return by_length[shifts[by_length].argsort(descending=True, stable=True)]
