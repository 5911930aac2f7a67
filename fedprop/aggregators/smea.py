"""SMEA: the n - f rows that scatter least in the direction in which they scatter most."""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.aggregators.chosen import weights_of
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Kappa, Region, exactly
from fedprop.aggregators.gram import GramRule
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.order_statistics import any_subset_unattacked
from fedprop.aggregators.spectral_bound import scatter_at_least
from fedprop.aggregators.subsets import best_subset, refuse_many, several_best
from fedprop.aggregators.views import centred_gram
from fedprop.types import Gram, Updates, Weights


class SMEA(NeedsMajority, GramRule):
    """The mean of the n - f rows whose covariance has the least largest eigenvalue.

    Of all sets those are left aside for which a few steps of Lanczos's method show a larger eigenvalue than another set
    has; the others are tried, each by the exact eigenvalues of its h by h inner products, which other code replaces by
    one step of a power iteration from a random vector. Of sets with equal eigenvalues, within 1e-9 of each other, the
    first in lexicographic order is taken; with f = 0 the answer is the mean. Needs n >= 2f + 1. The search takes O(n^2)
    for each of n choose f sets and O(n^3) for those tried, and more than 50,000 sets are refused.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Raises
    ------
    InvalidUpdates
        If n choose f is more than 50,000.

    Source: Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Rizk and Voitovych, "On the Privacy-Robustness-Utility
    Trilemma in Distributed Learning", ICML 2023 (SMEA). The coefficient in the contract, which is smaller than the
    published one, is derived in `specs/test_subset_rules.py`.

    >>> import torch
    >>> SMEA(f=1)(torch.tensor([[0.0], [3.0], [4.0], [5.0]]))
    tensor([4.])
    """

    cost: ClassVar[str] = "n^2 d + n^2 (n choose f)"

    kind: Literal["smea"] = "smea"

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL,
            tolerates=exactly(self.f, self.min_rows),
            kappa=Kappa(smea_kappa, "specs/test_subset_rules.py"),
            unattacked=lambda n: any_subset_unattacked(n, self.f),
            ambiguous=self._tied,
        )

    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        n = len(gram)
        refuse_many(n, self.f, "SMEA")
        return weights_of(best_subset(n, self.f, partial(_scatters, gram), gram.device, partial(_at_least, gram)), n)

    def _tied(self, updates: Updates) -> bool:
        gram = centred_gram(updates)
        return several_best(gram, self.f, partial(_scatters, gram), partial(_at_least, gram))


def _scatters(gram: Gram, sets: Tensor) -> Tensor:
    """The largest eigenvalue of each set's covariance, times h^3: so that rows of integers are exact up to here."""
    h = sets.shape[1]
    products = gram[sets[:, :, None], sets[:, None, :]]
    sums = h * products.sum(dim=2)
    centred = h**2 * products - sums[:, :, None] - sums[:, None, :] + products.sum(dim=(1, 2))[:, None, None]
    largest: Tensor = torch.linalg.eigvalsh(centred)[:, -1]
    return largest.clamp(min=0)


def _at_least(gram: Gram, kept: Tensor) -> Tensor:
    """A bound on these numbers for sets with one for each row kept."""
    return kept.sum(dim=1) ** 2 * scatter_at_least(gram, kept)


def smea_kappa(n: int, f: int) -> float:
    """4 f / (n - 2f)."""
    return 4 * f / (n - 2 * f)
