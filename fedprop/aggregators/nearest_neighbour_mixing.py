"""Nearest-neighbour mixing: a stage that narrows the honest rows' spread."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import MixedRows, Rows
from fedprop.aggregators.contract import Contract, Kappa, Region, unstated
from fedprop.aggregators.krum import TIE
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.stage import Stage, Staged
from fedprop.aggregators.views import GramRows, centred_gram, seen, squared_distances
from fedprop.types import Gram, Updates


class NearestNeighbourMixing(NeedsMajority, Stage):
    """Replace each row by the mean of its n - f nearest rows, itself included. Needs n >= 2f + 1.

    A rule of coefficient kappa has at most 8f / (n - f) (kappa + 1) behind it. That promises less than kappa only where
    kappa > 8f / (n - 9f), as for Krum among many rows; a trimmed mean, which alone has f / (n - 2f), has four times as
    much behind it (`specs/test_exact_constants.py`). Of rows equally far away those with the smallest indices are
    taken.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: Allouah et al., "Fixing by Mixing", AISTATS 2023, Algorithm 2 (NNM) and Lemma 1.

    >>> import torch
    >>> NearestNeighbourMixing(f=1)(torch.tensor([[0.0], [2.0], [100.0]]))
    tensor([[ 1.],
            [ 1.],
            [51.]])
    """

    looks_at: ClassVar[str] = "inner products"
    cost: ClassVar[str] = "n^2 d"
    reads_columns: ClassVar[bool] = True

    kind: Literal["nearest_neighbour_mixing"] = "nearest_neighbour_mixing"

    def apply(self, cohort: Cohort, state: None) -> Staged:
        mixtures, mixing = self._mixed(cohort.updates)
        return Staged(cohort.with_updates(mixtures), mixing)

    def _mixed(self, updates: Rows) -> tuple[Rows, Tensor]:
        """The mixtures, and what makes them of the rows."""
        rows, gram, _ = seen(updates)
        keep = len(updates) - self.f
        nearest = squared_distances(gram).argsort(dim=1, stable=True)[:, :keep]
        taken = torch.zeros_like(gram).scatter_(1, nearest, 1)
        if rows is not updates:
            # What is seen of giants says nothing about their mixtures.
            return MixedRows(taken / keep, updates), taken / keep
        # Divided last, so that integer rows have mixtures whose equal distances stay equal.
        mixed = taken @ gram @ taken.T / keep**2
        return GramRows(taken / keep, updates, mixed), taken / keep

    def carry(self, contract: Contract) -> Contract:
        regret, kappa = contract.regret, contract.kappa
        return contract.keeping(
            "permutation",
            "translation",
            "scaling",
            "orthogonal",
            "idempotent",
            "linear",
            examples=contract.ignoring,
            lies_in={Region.ROW: Region.HULL, Region.HONEST_BOX: Region.BOX}.get(contract.lies_in, contract.lies_in),
            tolerates=lambda n: range(self.f, self.f + 1) if self.f in contract.tolerates(n) else range(0),
            kappa=_mixed(kappa) if kappa else None,
            regret=(lambda x, z: regret(self(x), z)) if regret else None,
            ambiguous=(
                unstated if contract.ambiguous is unstated else lambda x: self._tied(x) or contract.ambiguous(self(x))
            ),
        )

    def _tied(self, updates: Updates) -> bool:
        near: Gram = squared_distances(centred_gram(updates)).sort(dim=1).values
        last = len(updates) - self.f
        return self.f > 0 and bool((near[:, last] <= near[:, last - 1] * (1 + TIE)).any())


def _mixed(kappa: Kappa) -> Kappa:
    return Kappa(
        lambda n, f: 8 * f / (n - f) * (kappa.bound(n, f) + 1),
        f"Allouah et al., AISTATS 2023, Lemma 1, given {kappa.source}",
    )
