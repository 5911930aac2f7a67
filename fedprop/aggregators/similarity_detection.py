"""Similarity detection: a stage that makes groups as diverse as can be, and drops rows from those unlike the others."""

from typing import Annotated, ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from fedprop.aggregators.angles import cosines
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.filtered import filtered, region_of_some
from fedprop.aggregators.mean_shift import Clusters, clusters
from fedprop.aggregators.norm_filter import relative_lengths
from fedprop.aggregators.relative_similarity import relative_similarity
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Gram, Weights

UNIT = 2.0**-30
"""Scores are counted in these, about 1e-9, so that scores that are equal but for rounding are equal."""

CANCELLED = 1e-6
"""A sum of rows whose square is below this share of the sum of their squares points where rounding says."""

WHOLE = 1e-9
"""A product this little below a whole number is that number, but for rounding."""


class SimilarityDetection(Stage):
    """Drop the least similar rows of groups that are unlike most groups: clustering, then grouping.

    The score of a row is the sum of its ceil(n / 2) highest cosines with all rows, its own of 1 among them unless
    `self_similarity` is off: Algorithm 3 as printed counts it, see `sybil_removal`. Mean shift clusters the scores.
    Each group takes one row from each cluster that has some left, drawn at random: there are as many groups as the
    largest cluster has rows, and the mean of each is like that of data of all kinds. The means are scored and clustered
    in the same way, and the largest cluster is benign. Of all rows in the other groups, the suspects, the share `beta`
    with the lowest scores is dropped, rounded down. So no more than that share of the suspects go, the benign groups
    keep all their rows, and some row is always left.

    Of clusters of equal size the one with the higher centre is benign, its groups being more like the rest. Of equal
    scores those go that were drawn first. The draw is by client id and not by place, so the order of arrival does not
    matter. A row of zeros, and a mean whose rows cancel, have the cosine 0 with all.

    Mean shift is that of scikit-learn, and so is the bandwidth: the mean distance of a score to the one that is
    `quantile` of the way to the farthest. That is never less than the nearest other score: scikit-learn's estimate is
    zero for fewer than seven at its default quantile, and then each group would be a cluster, all but one of them
    suspect. There is no bandwidth of one's own to set, since sums over half of n rows and half of the groups differ in
    size.

    It is the second step of HeteroFL. The values of the paper, for `beta` and the bandwidth, are in a supplement that
    could not be had: both are reconstructed. `sims/heterofl/sensitivity.yaml` has numbers: with 0.3 most clients with
    flipped labels are found; a larger `beta` costs honest rows, and under Min-Max the step does more harm than good.

    Attributes
    ----------
    beta : the share of the suspects that is dropped.
    quantile : how far up the order of distances the bandwidth lies, as a share.
    self_similarity : whether the cosine of a row, or of the mean of a group, with itself may be among its highest.

    Raises
    ------
    ServerUnknown
        If the cohort comes without a generator.

    Source: Lu et al., "HeteroFL", 2024, Algorithms 3 and 4; Comaniciu and Meer, "Mean Shift", PAMI 2002.

    >>> from fedprop.aggregators import Mean
    >>> rows = torch.tensor([[1.0, 0.1], [1.0, 0.0], [1.0, -0.1], [0.9, 0.0], [-1.0, 0.1]])
    >>> (SimilarityDetection(beta=0.5) >> Mean()).aggregate(Cohort(rows, generator=torch.Generator())).weights
    tensor([0.2500, 0.2500, 0.2500, 0.2500, 0.0000])
    """

    looks_at: ClassVar[str] = "cosines"
    cost: ClassVar[str] = "n^2 d"
    reads_columns: ClassVar[bool] = True

    kind: Literal["similarity_detection"] = "similarity_detection"
    beta: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    quantile: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    self_similarity: bool = True

    @classmethod
    def examples(cls) -> tuple["SimilarityDetection", ...]:
        return cls(), cls(beta=1.0, quantile=0.1), cls(self_similarity=False)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"generator"})

    def apply(self, cohort: Cohort, state: None) -> Staged:
        rows = cohort.updates
        alike, places = cosines(rows), drawn_places(cohort).to(rows.device)
        scores = self._scores(alike)
        groups = grouped(clusters(scores[:, None], self.quantile).labels, places)
        means = cosines_of_means(groups, alike, relative_lengths(rows)[0])
        benign = most_similar(clusters(self._scores(means)[:, None], self.quantile))
        suspect = ~benign[groups]
        return filtered(cohort, ~self._lowest(suspect, scores, places))._replace(measured=scores)

    def _scores(self, alike: Gram) -> Weights:
        return counted(relative_similarity(alike, self_similarity=self.self_similarity))

    def _lowest(self, suspect: Bool[Tensor, " n"], scores: Weights, places: Int[Tensor, " n"]) -> Bool[Tensor, " n"]:
        """The share of the suspects that goes: those with the lowest scores, and of equal ones those drawn first."""
        drawn = places.argsort()
        drawn = drawn[suspect[drawn]]
        going = drawn[scores[drawn].argsort(stable=True)][: int(self.beta * len(drawn) + WHOLE)]
        return torch.zeros_like(suspect).index_fill(0, going, True)

    def carry(self, contract: Contract) -> Contract:
        """What holds for some of the rows as it does for all. Honest ones may be dropped, so no tolerance is left.

        The order of the rows counts where nobody says which client is which: then they go by place.
        """
        return contract.keeping(
            "scaling",
            "orthogonal",
            "idempotent",
            "linear",
            examples=contract.ignoring,
            lies_in=region_of_some(contract),
        )


def drawn_places(cohort: Cohort) -> Int[Tensor, " n"]:
    """Where each client's row stands in a random order, the same one whichever row came first."""
    n = len(cohort.clients)
    by_client = torch.tensor(sorted(range(n), key=cohort.clients.__getitem__))
    places = torch.empty(n, dtype=torch.long)
    places[by_client] = torch.randperm(n, generator=cohort.generator)
    return places


def counted(scores: Weights) -> Weights:
    """The scores [n] in whole `UNIT`s."""
    return (scores / UNIT).round() * UNIT


def grouped(labels: Int[Tensor, " n"], places: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
    """The number of each row's group: how many rows of its cluster stand before it in the order drawn."""
    return ((labels[:, None] == labels) & (places < places[:, None])).sum(dim=1)


def cosines_of_means(groups: Int[Tensor, " n"], alike: Gram, lengths: Weights) -> Float[Tensor, "r r"]:
    """The cosines [r, r] of the means of groups of rows, from the cosines of the rows and their lengths in any unit.

    A mean has the direction of the sum, and of that in units of its longest row.
    """
    within = groups == torch.arange(int(groups.max()) + 1, device=groups.device)[:, None]
    sizes = lengths.where(within, 0)
    longest = sizes.amax(dim=1, keepdim=True)
    sizes = (sizes / longest).where(longest > 0, 0)
    products = sizes @ alike @ sizes.T
    squares = products.diagonal()
    seen = squares > CANCELLED * sizes.square().sum(dim=1)
    inverse = squares.rsqrt().where(seen, 0)
    found = (products * inverse * inverse[:, None]).clamp(-1, 1)
    return torch.diagonal_scatter(found, seen.to(found.dtype))


def most_similar(found: Clusters) -> Bool[Tensor, " n"]:
    """Who [n] is in the largest cluster of scores; of several, in the one with the highest centre."""
    largest = found.sizes == found.sizes.max()
    centres = found.centres[:, 0].where(largest, -torch.inf)
    return found.labels == centres.argmax()
