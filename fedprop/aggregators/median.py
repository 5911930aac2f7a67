"""The coordinate-wise median."""

from typing import Literal

from fedprop.aggregators.contract import Contract, Kappa, Region, minority
from fedprop.aggregators.coordinate import OrderedMean
from fedprop.aggregators.order_statistics import median_kappa, median_places


class Median(OrderedMean):
    """The median of each coordinate; for an even number of rows, the mean of the two middle values.

    As long as fewer than half the rows are Byzantine, each coordinate stays within the honest values.

    Source: Yin et al., ICML 2018, Definition 1.

    >>> import torch
    >>> Median()(torch.tensor([[1.0], [2.0], [4.0], [1e9]]))
    tensor([3.])
    """

    kind: Literal["median"] = "median"

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
            tolerates=minority,
            kappa=Kappa(median_kappa, "specs/test_exact_constants.py"),
            unattacked=lambda n: median_kappa(n, 0),
        )

    def used(self, n: int) -> range:
        return median_places(n)
