"""Sybil direction removal: a stage that drops rows whose directions have too much company."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fedprop.aggregators.angles import cosines
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, open_behind
from fedprop.aggregators.filtered import filtered, region_of_some
from fedprop.aggregators.middle import median_of
from fedprop.aggregators.relative_similarity import half_of, relative_similarity
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Gram, Updates, Weights

TIE = 1e-9
"""A score that exceeds the bound by this share of the largest possible one, or less, does so by rounding."""


class SybilRemoval(Stage):
    """Drop the rows whose score exceeds `times` the sum of the median score and the median deviation from it.

    The score of a row is the sum of its h = ceil(n / 2) highest cosines with all rows, so it is at most h; deviations
    are absolute. A row of zeros has the cosine 0 with all, itself included.

    Whether a row's own cosine, always 1, is one of the h is `self_similarity`. Algorithm 3 as printed counts it: the
    most similar half is taken from a set that the row is in, and nothing leaves it out. So does the default. The prose
    says the other: "pair similarities between updates", and directions "excessively similar with each other". It
    matters here since the bound is a multiple of scores: a 1 in each of them raises what a score may be by 1, and is a
    point in hand for sybils. It matters less in `similarity_detection`, where it is one other row less.

    With the published factor of 2 the step acts where directions differ: no row can go once the median score is half of
    the largest possible one, as it is among rows that all have cosines of 1/2 or more. k copies of a row, fewer than
    half of all, among rows that have the cosine c >= 0 with it and each other, go if and only if
    k (1 - c) > 2 + (h - 2) c, or without their own cosines (k - 1) (1 - c) > h c: three copies among orthogonal rows,
    or two.

    Where most rows point away from most others, scores are negative without their own cosines, and twice a negative
    bound would be below all of them. The bound is never taken to be less than 0: nobody has too much company who has
    none. So somebody always stays.

    It is the first step of HeteroFL, whose others are `similarity_detection`, `watermark`, which takes a protocol,
    and `magnitude_rectification` before a mean.

    Attributes
    ----------
    times : how many times that sum a score may be.
    self_similarity : whether a row's own cosine may be among the highest.

    Source: Lu et al., "HeteroFL", 2024, Algorithms 2 and 3.

    >>> import torch
    >>> SybilRemoval()(torch.eye(5)[[0, 1, 2, 3, 4, 4, 4]])
    tensor([[1., 0., 0., 0., 0.],
            [0., 1., 0., 0., 0.],
            [0., 0., 1., 0., 0.],
            [0., 0., 0., 1., 0.]])
    >>> two = torch.eye(5)[[0, 1, 2, 3, 4, 4]]
    >>> len(SybilRemoval()(two)), len(SybilRemoval(self_similarity=False)(two))
    (6, 4)
    """

    looks_at: ClassVar[str] = "cosines"
    cost: ClassVar[str] = "n^2 d"
    reads_columns: ClassVar[bool] = True

    kind: Literal["sybil_removal"] = "sybil_removal"
    times: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 2.0
    self_similarity: bool = True

    @classmethod
    def examples(cls) -> tuple["SybilRemoval", ...]:
        return cls(), cls(times=1.1), cls(self_similarity=False)

    @property
    def by_direction(self) -> bool:
        return True

    def apply(self, cohort: Cohort, state: None) -> Staged:
        scores = self._scores(cosines(cohort.updates))
        return filtered(cohort, self._excess(scores) <= TIE)._replace(measured=scores)

    def _scores(self, alike: Gram) -> Weights:
        return relative_similarity(alike, self_similarity=self.self_similarity)

    def _excess(self, scores: Weights) -> Weights:
        """By how much each score [n] exceeds the bound, as a share of the largest possible one."""
        usual = median_of(scores)
        bound = self.times * (usual + median_of((scores - usual).abs()))
        return (scores - bound.clamp(min=0)) / half_of(len(scores))

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
        return bool((self._excess(self._scores(cosines(updates))).abs() <= 2 * TIE).any())
