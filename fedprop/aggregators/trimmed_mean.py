"""The coordinate-wise trimmed mean."""

from typing import Literal

from fedprop.aggregators.contract import Contract, Kappa, Region, exactly
from fedprop.aggregators.coordinate import OrderedMean
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.order_statistics import trimmed_mean_kappa


class TrimmedMean(NeedsMajority, OrderedMean):
    """In each coordinate, the mean of what is left without the `f` smallest and the `f` largest values.

    Needs n >= 2f + 1. Each coordinate stays within the honest values if at most `f` rows are Byzantine. Its robustness
    coefficient is f / (n - 2f) exactly: no rule has a smaller one.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: Yin et al., ICML 2018, Definition 2, with beta = f / n.

    >>> import torch
    >>> TrimmedMean(f=1)(torch.tensor([[1.0], [2.0], [4.0], [1e9]]))
    tensor([3.])
    """

    kind: Literal["trimmed_mean"] = "trimmed_mean"

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            idempotent=True,
            separable=True,
            monotone=True,
            examples="ignored",
            lies_in=Region.HONEST_BOX,
            tolerates=exactly(self.f, self.min_rows),
            kappa=Kappa(trimmed_mean_kappa, "specs/test_exact_constants.py"),
            unattacked=lambda n: self.f / (n - self.f),
        )

    def used(self, n: int) -> range:
        return range(self.f, n - self.f)
