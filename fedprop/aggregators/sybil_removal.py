"""Sybil direction removal: a stage that drops rows whose directions have too much company."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fedprop.aggregators.angles import cosines
from fedprop.aggregators.base import Cohort
from fedprop.aggregators.contract import Contract, open_behind
from fedprop.aggregators.filtered import filtered, region_of_some
from fedprop.aggregators.middle import median_of
from fedprop.aggregators.relative_similarity import half_of, relative_similarity
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Updates, Weights

TIE = 1e-9
"""A score that exceeds the bound by this share of the largest possible one, or less, does so by rounding."""


class SybilRemoval(Stage):
    """Drop the rows whose score exceeds `times` the sum of the median score and the median deviation from it.

    The score of a row is the sum of its ceil(n / 2) highest cosines with all rows, itself included, so it is at most
    ceil(n / 2); deviations are absolute. A row of zeros has the cosine 0 with all, itself included. The median score is
    never negative, so a row with it stays, and no round is left without rows.

    With the published factor of 2 it acts where directions differ: no row can go once the median score is half of the
    largest possible one, as it is among rows that all have cosines of 1/2 or more. k copies of a row, fewer than half
    of all, among rows that have the cosine c with it and each other, go if and only if k (1 - c) > 2 + (h - 2) c with
    h = ceil(n / 2): three copies among orthogonal rows.

    It is the first step of HeteroFL, whose others are `similarity_detection`, `watermark`, which takes a protocol,
    and `magnitude_rectification` before a mean.

    Attributes
    ----------
    times : how many times that sum a score may be.

    Source: Lu et al., "HeteroFL", 2024, Algorithms 2 and 3.

    >>> import torch
    >>> SybilRemoval()(torch.eye(5)[[0, 1, 2, 3, 4, 4, 4]])
    tensor([[1., 0., 0., 0., 0.],
            [0., 1., 0., 0., 0.],
            [0., 0., 1., 0., 0.],
            [0., 0., 0., 1., 0.]])
    """

    looks_at: ClassVar[str] = "cosines"
    cost: ClassVar[str] = "n^2 d"

    kind: Literal["sybil_removal"] = "sybil_removal"
    times: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 2.0

    @classmethod
    def examples(cls) -> tuple["SybilRemoval", ...]:
        return cls(), cls(times=1.1)

    @property
    def by_direction(self) -> bool:
        return True

    def apply(self, cohort: Cohort, state: None) -> Staged:
        scores = relative_similarity(cosines(cohort.updates))
        return filtered(cohort, self._excess(scores) <= TIE)._replace(measured=scores)

    def _excess(self, scores: Weights) -> Weights:
        """By how much each score [n] exceeds the bound, as a share of the largest possible one."""
        usual = median_of(scores)
        bound = self.times * (usual + median_of((scores - usual).abs()))
        return (scores - bound) / half_of(len(scores))

    def carry(self, contract: Contract) -> Contract:
        """What holds for some of the rows as it does for all. Honest ones may be dropped, so no tolerance is left."""
        return contract.keeping(
            "permutation",
            "scaling",
            "orthogonal",
            "idempotent",
            "linear",
            examples=contract.ignoring,
            lies_in=region_of_some(contract),
            ambiguous=open_behind(contract, self, self._tied),
        )

    def _tied(self, updates: Updates) -> bool:
        """Whether rounding decides if a row is dropped."""
        return bool((self._excess(relative_similarity(cosines(updates))).abs() <= 2 * TIE).any())
