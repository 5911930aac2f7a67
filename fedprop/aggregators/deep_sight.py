"""DeepSight: clusters of updates that learnt the same, without those whose output layers learnt too few classes."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.classifier import Classifier, Head
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import BLOCK_ELEMENTS, Rows, column_spans, in_memory, mix, read, take
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.hdbscan import hdbscan
from fedprop.aggregators.median_length import cut_to_median
from fedprop.aggregators.multi_metrics import ALIGNED
from fedprop.aggregators.rescaled import each_to_size
from fedprop.types import Gram, Updates

LEAST_SHARE = 0.01
"""The least threshold of an exceeding, as a share of the largest energy; with up to 100 classes it is one over them."""

MARGIN = 1e-9
"""What exceeds a threshold by a smaller share of it does so by rounding."""

FLOOR = 1e-6
"""Probabilities of the global model below this count as this, since they divide; implementations add as much."""

PerClass: TypeAlias = Float[Tensor, "n classes"]
"""A number for each update and each class."""

Views: TypeAlias = Float[Tensor, "k n n"]
"""How far any two of n clients are apart, as k clusterings see it."""


class Outputs(NamedTuple):
    """The energy of each class's output neuron, and the bias's entry."""

    energies: PerClass
    biases: PerClass


class DeepSight(Aggregator):
    """The mean of the accepted updates, each cut to the median length of all.

    What a client's data are like shows in how it moved the output layer. The energy of a class is the sum of the moves
    of its neuron, |bias| + sum of |weights|, and its NEUP the share of the squared energy in that of all classes. A
    client whose data have few classes, as those for a backdoor do, has few NEUPs above max(0.01, 1 / classes) times the
    largest: where there are no more than half as many as the median client has, it is flagged.

    Clients are clustered by the cosines of their biases' updates, by their NEUPs, and by their division differences
    (DDif): for each class the mean over random inputs of the client's probability divided by the global model's. Two
    clients are 0 apart in a clustering if they share a cluster, and else 1; the mean of the three, in which `seeds`
    sets of inputs make up the last, is clustered once more. A cluster is accepted if less than a third of it is
    flagged.

    The clusterings are HDBSCAN, in which the whole may be one cluster, as most implementations have it. Whoever is an
    outlier is a cluster alone, so that its own flag decides; in some implementations all outliers are one cluster. A
    least cluster of 3, where HDBSCAN's own is 5, finds a fifth of 20 clients. The paper has 20,000 inputs; each set
    costs a pass over `inputs` of them for every client, and 256, a batch, leave the mean of a ratio an error of a
    sixteenth of its spread, which all clients share, since they see the same inputs.

    With fewer than `min_cluster_size` clients flags alone decide. If nobody is accepted the answer is zero. Updates
    that leave the output layer as it is are flagged. Claimed numbers of examples are ignored.

    Attributes
    ----------
    inputs : how many random inputs a set has.
    seeds : how many sets there are.
    min_cluster_size : the fewest clients that make a cluster.
    min_samples : HDBSCAN's smoothing; a client is no nearer to others than to its so-manieth neighbour, itself counted.

    Raises
    ------
    ServerUnknown
        If the cohort comes without a classifier or a generator.

    Source: Rieger, Nguyen, Miettinen and Sadeghi, "DeepSight: Mitigating Backdoor Attacks in Federated Learning Through
    Deep Model Inspection", NDSS 2022, reconstructed from memory and independent implementations.

    >>> from fedprop.aggregators import Logits
    >>> rows = torch.tensor([[1.0, -1.0, 1.0], [1.0, -1.0, 0.9], [0.9, -1.0, 1.0], [0.0, 0.0, 9.0]])
    >>> cohort = Cohort(rows, classifier=Logits(torch.zeros(3)), generator=torch.Generator())
    >>> DeepSight().aggregate(cohort).weights
    tensor([0.3280, 0.3333, 0.3333, 0.0000])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "the output layer, and answers to noise"
    cost: ClassVar[str] = "n d + n^3, and answers to noise"

    kind: Literal["deep_sight"] = "deep_sight"
    inputs: PositiveInt = 256
    seeds: PositiveInt = 3
    min_cluster_size: Annotated[int, Field(ge=2)] = 3
    min_samples: PositiveInt = 1

    @classmethod
    def examples(cls) -> tuple["DeepSight", ...]:
        return cls(), cls(inputs=2, seeds=1, min_cluster_size=2, min_samples=2)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"classifier", "generator"})

    def contract(self) -> Contract:
        return Contract(permutation=True, examples="ignored", linear=True)

    def combine(self, cohort: Cohort, state: None) -> Aggregation:
        rows, classifier = cohort.updates, cohort.classifier
        energies, biases = output_layer(rows, classifier.head)
        neups = normalized(energies)
        draws = torch.randint(2**31, (self.seeds,), generator=cohort.generator).tolist()
        differences = [self._differences(rows, classifier, draw) for draw in draws]
        views = torch.cat([_angles(biases)[None], _distances(torch.stack([neups, *differences]))])
        cosines, energetic, *different = self._apart(views)
        # Whole numbers are divided, so that equal distances are equal.
        merged = (sum(different) + self.seeds * (cosines + energetic)) / (3 * self.seeds)
        kept = accepted(self._clusters(merged), flagged(neups)).to(rows.device)
        weights = cut_to_median(rows).factors.where(kept, 0) / kept.sum().clamp(min=1)
        value = mix(weights[None], rows)[0]
        return Aggregation(value, weights.to(value.dtype))

    def _clusters(self, distances: Gram) -> Tensor:
        return hdbscan(distances, min_cluster_size=self.min_cluster_size, min_samples=self.min_samples)

    def _apart(self, views: Views) -> Views:
        """0 for each pair of a view [k, n, n] that shares a cluster, a client and itself included, and else 1."""
        labels = torch.stack([self._clusters(view) for view in views.cpu()])
        together = (labels[:, :, None] == labels[:, None]) & (labels >= 0)[:, None]
        together.diagonal(dim1=1, dim2=2).fill_(True)
        return (~together).double()

    def _differences(self, rows: Rows, classifier: Classifier, seed: int) -> PerClass:
        """The division differences [n, classes] for one set of inputs."""
        nowhere = torch.zeros(1, rows.shape[1], dtype=rows.dtype, device=rows.device)
        own = classifier.probabilities(nowhere, self.inputs, seed).clamp(min=FLOOR)
        answers = (classifier.probabilities(few, self.inputs, seed) for few in _few_by_few(rows))
        # Answers that are no numbers, as a client can bring about, count as none.
        return torch.cat([(few / own).nan_to_num(nan=0.0).mean(dim=1) for few in answers])


def output_layer(rows: Rows, head: Head) -> Outputs:
    """What rows [n, d] do to the output layer, each in a unit of its own, in float64."""
    sized, _ = each_to_size(rows)
    classes = len(head.biases)
    owner = torch.full((rows.shape[1],), classes, device=rows.device)
    owner[head.weights.to(rows.device)] = torch.arange(classes, device=rows.device)[:, None]
    owner[head.biases.to(rows.device)] = torch.arange(classes, device=rows.device)
    # The last column is for whatever belongs to no class.
    energies = torch.zeros(len(rows), classes + 1, dtype=torch.float64, device=rows.device)
    biases = torch.zeros(len(rows), classes, dtype=torch.float64, device=rows.device)
    for start, stop in column_spans(rows):
        block = read(sized, start, stop)
        energies.index_add_(1, owner[start:stop], block.abs())
        here = (start <= head.biases) & (head.biases < stop)
        biases[:, here] = block[:, head.biases[here] - start]
    return Outputs(energies[:, :classes], biases)


def normalized(energies: PerClass) -> PerClass:
    """NEUPs [n, classes]: the squared energies, as shares of their sum; zeros where there are none."""
    largest = energies.amax(dim=1, keepdim=True)
    squares = (energies / largest).where(largest > 0, 0).square()
    return squares / squares.sum(dim=1, keepdim=True).clamp(min=1)


def flagged(neups: PerClass) -> Tensor:
    """Who [n] has no more than half as many exceedings as the median client; of an even number, between the two."""
    threshold = max(LEAST_SHARE, 1 / neups.shape[1]) * neups.amax(dim=1, keepdim=True)
    exceedings = (neups > threshold * (1 + MARGIN)).sum(dim=1)
    ordered, n = exceedings.sort().values, len(exceedings)
    return 4 * exceedings <= ordered[(n - 1) // 2] + ordered[n // 2]


def accepted(labels: Tensor, flags: Tensor) -> Tensor:
    """Who [n] is in a cluster of which less than a third is flagged; an outlier is in one alone."""
    flags = flags.to(labels.device)
    clusters = torch.where(labels < 0, len(labels) + torch.arange(len(labels), device=labels.device), labels)
    sizes, bad = clusters.bincount(), clusters.bincount(weights=flags.double())
    return 3 * bad[clusters] < sizes[clusters]


def _angles(points: PerClass) -> Gram:
    """1 - cos [n, n] of each pair, half the squared distance of their directions; 1 for a point that is zero."""
    largest = points.abs().amax(dim=1, keepdim=True)
    directions = torch.nn.functional.normalize((points / largest).where(largest > 0, 0))
    apart = _pairwise(directions).square() / 2
    nowhere = largest == 0
    apart = apart.where(~(nowhere | nowhere.T), 1).fill_diagonal_(0)
    return apart.where(apart >= ALIGNED, 0)


def _distances(points: Float[Tensor, "k n classes"]) -> Views:
    """Euclidean distances [k, n, n] within each of k sets of points, in units of its largest number."""
    largest = points.abs().amax(dim=(1, 2), keepdim=True)
    return _pairwise((points / largest).where(largest > 0, 0))


def _pairwise(points: Tensor) -> Tensor:
    """How far any two points are apart, from their differences, so that it is the same from both ends."""
    found: Tensor = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    return found


def _few_by_few(rows: Rows) -> Iterator[Updates]:
    """The rows [n, d], as many at a time [k, d] as have no more entries than a block, and one at least."""
    n, d = rows.shape
    count = max(1, BLOCK_ELEMENTS // d)
    for start in range(0, n, count):
        chosen = torch.arange(start, min(start + count, n), device=rows.device)
        yield rows[start : start + count] if isinstance(rows, Tensor) else in_memory(take(rows, chosen))
