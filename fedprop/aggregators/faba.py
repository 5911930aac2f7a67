"""FABA: the rows farthest from the mean go, one at a time."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.aggregators.chosen import equal_weights
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Kappa, Region, exactly
from fedprop.aggregators.gram import GramRule
from fedprop.aggregators.krum import TIE
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.order_statistics import any_subset_unattacked
from fedprop.aggregators.views import centred_gram, squared_distances
from fedprop.types import Gram, Updates, Weights


class FABA(NeedsMajority, GramRule):
    """The mean of the n - f rows that are left when the row farthest from the mean of those left is deleted f times.

    The mean is taken anew after every deletion. Of rows equally far from it that with the smallest index goes, which
    the paper leaves open; with f = 0 the answer is the mean. Needs n >= 2f + 1. The means are never worked out: after
    one pass for the inner products, O(n^2 d), each deletion takes O(n^2), where the paper's own way takes O(f n d).

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate; the paper's alpha times n.

    Source: Xia, Tao, Hao and Li, "FABA: An Algorithm for Fast Aggregation against Byzantine Attacks in Distributed
    Neural Networks", IJCAI 2019, Algorithm 1; the coefficient in the contract is derived in `specs/test_faba.py`.

    >>> import torch
    >>> FABA(f=1)(torch.tensor([[1.0], [2.0], [3.0], [-50.0]]))
    tensor([2.])
    """

    cost: ClassVar[str] = "n^2 d + f n^2"

    kind: Literal["faba"] = "faba"

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
            kappa=Kappa(faba_kappa, "specs/test_faba.py"),
            unattacked=lambda n: any_subset_unattacked(n, self.f),
            ambiguous=self._tied,
        )

    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        left = torch.ones(len(gram), dtype=torch.bool, device=gram.device)
        for scores in self._rounds(gram, left):
            left[scores.argmax()] = False
        return equal_weights(left)

    def _rounds(self, gram: Gram, left: Tensor) -> Iterator[Tensor]:
        """Before each deletion, the scores of the rows; whoever asks deletes one from `left`."""
        for _ in range(self.f):
            yield _squares_from_mean(gram, left)

    def _tied(self, updates: Updates) -> bool:
        """Whether a row is deleted that another one, elsewhere, is as far from the mean as."""
        gram = centred_gram(updates)
        distances = squared_distances(gram)
        left = torch.ones(len(gram), dtype=torch.bool)
        for scores in self._rounds(gram, left):
            first = scores.argmax()
            left[first] = False
            if bool((left & (distances[first] > 0) & (scores >= scores[first] * (1 - TIE))).any()):
                return True
        return False


def _squares_from_mean(gram: Gram, left: Tensor) -> Weights:
    """For each row that is left its squared distance from their mean, times their number squared; -1 for the others.

    Multiplied rather than divided, so that integer rows equally far from the mean have equal scores.
    """
    r, mask = int(left.sum()), left.double()
    towards = gram @ mask
    squares = r * r * gram.diagonal() - 2 * r * towards + mask @ towards
    return squares.clamp(min=0).where(left, -1.0)


def faba_kappa(n: int, f: int) -> float:
    """The largest of ((b n / (n - 2f) sqrt(h - 1) + sqrt(b (h - b))) / h)^2 for b = 0, ..., f, with h = n - f."""
    h = n - f
    return max(float((b * n / (n - 2 * f) * (h - 1) ** 0.5 + (b * (h - b)) ** 0.5) / h) ** 2 for b in range(f + 1))
