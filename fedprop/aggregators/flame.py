"""FLAME: the majority of models that point the same way, cut to the median length, with noise of that size."""

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from fedprop.aggregators.angles import model_angles, passes
from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import mix, within_range
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.median_length import cut_to_median
from fedprop.aggregators.postprocessor import standard_normal
from fedprop.types import Gram, Positive

SAME = 1e-12
"""Cosine distances this close count as equal, since rounding alone can set them so far apart."""


class FLAME(Aggregator):
    """The mean of the updates in the majority cluster, each cut to the median length, plus Gaussian noise.

    The models are clustered by HDBSCAN on their cosine distances with a least cluster size of floor(n / 2) + 1, so that
    there is one cluster: of the single-linkage tree, the lowest branch with more than half of the models. Others are
    left out. Updates of the cluster are cut to S, the median length of all updates, and averaged, each counting the
    same whatever is claimed; then every coordinate gets noise of standard deviation lambda S, where
    lambda = sqrt(2 ln(1.25 / delta)) / epsilon.

    A model of zeros has the distance 1 to all others. Distances within 1e-12 of the highest one in the branch belong
    to it, so that models less than a millionth apart all do. The noise comes from the cohort's generator, in single
    precision.

    It states no privacy: epsilon is there because the paper sizes the noise by it, against backdoors. The paper
    works with lambda = 0.001 for images, which the values here give; another pair with the same lambda is as good.

    Attributes
    ----------
    epsilon : the larger, the less noise; None for none.
    delta : its companion.

    Raises
    ------
    ServerUnknown
        If the cohort comes without the model, or without a generator where there is noise.

    Source: Nguyen et al., "FLAME: Taming Backdoors in Federated Learning", USENIX Security 2022, Algorithm 1,
    reconstructed from memory and an independent implementation.

    >>> rows = torch.tensor([[1.0, 0.0], [3.0, 0.0], [1.0, 0.1], [-9.0, 0.0]])
    >>> FLAME(epsilon=None).aggregate(Cohort(rows, model=torch.zeros(2))).weights
    tensor([0.3333, 0.2225, 0.3333, 0.0000])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "directions of models"
    cost: ClassVar[str] = "n^2 d"

    kind: Literal["flame"] = "flame"
    epsilon: Positive | None = 2537.0
    delta: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05

    @classmethod
    def examples(cls) -> tuple["FLAME", ...]:
        return cls(epsilon=None), cls(epsilon=5.0)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"model"} if self.epsilon is None else {"model", "generator"})

    @property
    def noise(self) -> float:
        """Lambda, the standard deviation of the noise in units of the median length."""
        return 0.0 if self.epsilon is None else math.sqrt(2 * math.log(1.25 / self.delta)) / self.epsilon

    def contract(self) -> Contract:
        quiet = self.epsilon is None
        return Contract(
            permutation=True,
            scaling=True,
            orthogonal=quiet,
            idempotent=quiet,
            examples="ignored",
            linear=quiet,
            precision=1e-8,
        )

    def combine(self, cohort: Cohort, state: None) -> Aggregation:
        rows = cohort.updates
        kept = majority(model_angles(rows, cohort.model))
        cut = cut_to_median(rows)
        weights = cut.factors.where(kept, 0) / kept.sum()
        value = mix(weights[None], rows)[0]
        if self.epsilon is not None:
            noise = self.noise * cut.length * standard_normal(value.double(), cohort.generator)
            value = within_range(value.double() + noise, rows.dtype).to(rows.dtype)
        return Aggregation(value, weights.to(rows.dtype))


def majority(distances: Gram) -> torch.Tensor:
    """Who [n] is in the lowest branch of the single-linkage tree that holds more than half, by distances [n, n].

    It is what HDBSCAN finds with that least cluster size, where a single cluster is allowed and no point is smoothed.
    """
    heights, half = passes(distances), len(distances) // 2
    least = heights.sort(dim=1).values[:, half]
    root = int(least.argmin())
    return heights[root] <= least[root] + SAME
