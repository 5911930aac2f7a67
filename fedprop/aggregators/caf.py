"""CAF: rows lose weight by how far they lie out in the direction in which the rows scatter most."""

from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Region, exactly
from fedprop.aggregators.gram import GramRule
from fedprop.aggregators.majority import NeedsMajority
from fedprop.types import Gram, Weights

EQUAL = 1e-9
"""Eigenvalues, distances and weights this close, relatively, count as equal: rounding must not tell them apart."""


class Step(NamedTuple):
    """One step of the filter: the shares [n] of the rows in the mean, and their largest eigenvalue."""

    shares: Weights
    eigenvalue: Tensor


class CAF(NeedsMajority, GramRule):
    """The mean of the rows by weights under which they scatter least: covariance bound-agnostic filter.

    All rows start with weight 1. While the weights add up to more than n - 2f, the weighted covariance has a largest
    eigenvalue, and the mean is remembered if that is the least so far; then each row's weight falls in proportion to
    its squared distance from the mean along the eigenvector, to 0 for the row farthest out. The answer is the mean
    remembered. So `f` says when to stop, and nothing else. Every step leaves one more row without weight, so there are
    at most 2f (`specs/test_caf.py`).

    Which rows have weight left decides who is farthest out. Where several eigenvalues are the largest, within 1e-9,
    there is no one direction, and distances are those in all of theirs: the paper leaves this open. Of several least
    eigenvalues the first is taken. If the rows with weight are all equal the filter stops; with f = 0 the answer is the
    mean. Needs n >= 2f + 1. Each step takes O(n^3) after one pass of O(n^2 d).

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: Allouah, Guerraoui and Stephan, "Towards Trustworthy Federated Learning with Untrusted Participants", ICML
    2025 (CAF); reconstructed from ByzFL, which takes one step of a power iteration for the eigenvector.

    >>> import torch
    >>> CAF(f=1)(torch.tensor([[1.0], [1.0], [4.0], [1.0], [90.0]]))
    tensor([1.7622])
    """

    cost: ClassVar[str] = "n^2 d + f n^3"

    kind: Literal["caf"] = "caf"

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
        )

    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        best = Step(torch.full_like(gram[0], 1 / len(gram)), torch.tensor(torch.inf, device=gram.device))
        for step in filtering(gram, self.f):
            if step.eigenvalue < best.eigenvalue * (1 - EQUAL):
                best = step
        return best.shares


def filtering(gram: Gram, f: int) -> Iterator[Step]:
    """Every step of the filter, given inner products [n, n]."""
    n = len(gram)
    weights = torch.ones_like(gram[0])
    while weights.sum() > n - 2 * f + EQUAL:
        active = weights.nonzero().flatten()
        left = weights[active]
        eigenvalue, farness = _farthest_out(gram[active][:, active], left)
        yield Step(weights / weights.sum(), eigenvalue)
        if not farness.any():
            return
        weights[active] = left * (1 - farness).where(1 - farness > EQUAL, 0)


def _farthest_out(gram: Gram, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The largest eigenvalue of the weighted covariance, and how far out each row is along it: its squared distance
    from the mean, as a share of the largest one.
    """
    shares = weights / weights.sum()
    towards = gram @ shares
    away = gram - towards[:, None] - towards + shares @ towards
    roots = shares.sqrt()
    values, vectors = torch.linalg.eigh(roots[:, None] * away * roots)
    top = values >= values[-1] * (1 - EQUAL)
    heights = away @ (roots[:, None] * vectors[:, top])
    # Lengths, since squares of squares may be beyond float64.
    lengths = torch.linalg.vector_norm(heights / heights.abs().max(), dim=1) if heights.any() else heights.sum(dim=1)
    farness: Tensor = (lengths / lengths.max()).square() if lengths.any() else lengths
    return values[-1].clamp(min=0), farness
