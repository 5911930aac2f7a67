"""MDA: the n - f rows that lie closest together."""

from functools import partial
from typing import ClassVar, Literal

from torch import Tensor

from fedprop.aggregators.chosen import weights_of
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Kappa, Region, exactly
from fedprop.aggregators.gram import GramRule
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.order_statistics import any_subset_unattacked
from fedprop.aggregators.subsets import best_subset, refuse_many, several_best
from fedprop.aggregators.views import centred_gram, squared_distances
from fedprop.types import Gram, Updates, Weights


class MDA(NeedsMajority, GramRule):
    """The mean of the n - f rows whose largest distance from each other is least: minimum-diameter averaging.

    Also known as Brute. All sets are tried, and with f = 0 the answer is the mean. Two sets are often as wide, since
    they share the two rows that are farthest apart: 17 in a hundred times with 5 random rows of which one may go, 68
    with 20 of which 4 may. The papers take any of them. Here it is that with the least sum of squared distances, so
    that it does not matter who comes first; the contract accepts each. Of several again it is the first in
    lexicographic order. Needs n >= 2f + 1. The answer jumps where two sets are as wide. The search takes O(n^2) for
    each of n choose f sets, and more than 50,000 sets are refused.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Raises
    ------
    InvalidUpdates
        If n choose f is more than 50,000.

    Source: El Mhamdi, Guerraoui and Rouault, ICML 2018 ("Brute"); El Mhamdi et al., "Genuinely Distributed Byzantine
    Machine Learning", PODC 2020 (MDA). The coefficient in the contract is derived in `specs/test_subset_rules.py`.

    >>> import torch
    >>> MDA(f=1)(torch.tensor([[0.0], [3.0], [4.0], [5.0]]))
    tensor([4.])
    """

    cost: ClassVar[str] = "n^2 d + n^2 (n choose f)"

    kind: Literal["mda"] = "mda"

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
            kappa=Kappa(mda_kappa, "specs/test_subset_rules.py"),
            unattacked=lambda n: any_subset_unattacked(n, self.f),
            ambiguous=self._tied,
        )

    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        n = len(gram)
        refuse_many(n, self.f, "MDA")
        widest, all_in_all = (partial(score, squared_distances(gram)) for score in (_diameters, _sums))
        return weights_of(best_subset(n, self.f, widest, gram.device, then=all_in_all), n)

    def _tied(self, updates: Updates) -> bool:
        gram = centred_gram(updates)
        return several_best(gram, self.f, partial(_diameters, squared_distances(gram)))


def _diameters(distances: Gram, sets: Tensor) -> Tensor:
    """The largest squared distance within each set."""
    return distances[sets[:, :, None], sets[:, None, :]].amax(dim=(1, 2))


def _sums(distances: Gram, sets: Tensor) -> Tensor:
    """The sum of squared distances within each set, each counted twice."""
    return distances[sets[:, :, None], sets[:, None, :]].sum(dim=(1, 2))


def mda_kappa(n: int, f: int) -> float:
    """8 f^2 / (n - f)."""
    return 8 * f**2 / (n - f)
