"""Other readings of HeteroFL's second step; readings.yaml holds them against ours, and names each of them."""

from typing import Literal

import torch
from torch import Tensor

from fedprop.aggregators import SimilarityDetection
from fedprop.aggregators.angles import cosines
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.filtered import filtered
from fedprop.aggregators.mean_shift import Clusters, clusters
from fedprop.aggregators.norm_filter import relative_lengths
from fedprop.aggregators.relative_similarity import relative_similarity
from fedprop.aggregators.similarity_detection import cosines_of_means, counted, drawn_places, grouped, most_similar
from fedprop.aggregators.stage import Staged


class OtherDetection(SimilarityDetection):
    """Similarity detection as it might be read.

    Attributes
    ----------
    clustered : what mean shift clusters: the scores, or the directions of the rows and of the means of groups.
    largest : of which cluster of groups most is benign: of the groups in it, or of the rows in its groups.
    """

    kind: Literal["other_detection"] = "other_detection"
    clustered: Literal["scores", "directions"] = "scores"
    largest: Literal["groups", "rows"] = "groups"

    def apply(self, cohort: Cohort, state: None) -> Staged:
        rows = cohort.updates
        alike, places = cosines(rows), drawn_places(cohort)
        scores, found = self._clusters(alike)
        groups = grouped(found.labels, places)
        _, found = self._clusters(cosines_of_means(groups, alike, relative_lengths(rows)[0]))
        benign = most_similar(found) if self.largest == "groups" else with_most_rows(found, groups)
        return filtered(cohort, ~self._lowest(~benign[groups], scores, places))

    def _clusters(self, alike: Tensor) -> tuple[Tensor, Clusters]:
        """The scores, and the clusters."""
        scores = counted(relative_similarity(alike, self_similarity=self.self_similarity))
        return scores, clusters(scores[:, None] if self.clustered == "scores" else placed(alike), self.quantile)


def placed(alike: Tensor) -> Tensor:
    """Points [n, n] whose inner products are these cosines."""
    values, vectors = torch.linalg.eigh(alike)
    return vectors * values.clamp(min=0).sqrt()


def with_most_rows(found: Clusters, groups: Tensor) -> Tensor:
    """Which groups are in the cluster whose groups have most rows; of several, in the first."""
    sizes = found.labels[groups].bincount(minlength=len(found.centres))
    return found.labels == sizes.argmax()
