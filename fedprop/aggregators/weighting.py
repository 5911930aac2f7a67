"""What clients claim, made into weights: the one place where a false number of examples can do anything."""

from typing import Literal

import torch
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.types import Weights

Weighting = Literal["uniform", "examples", "capped"]
"""Whether rows count alike, by the number of training examples that their senders claim, or by these with a cap.

Federated averaging weighs by numbers of examples, and that is what clients report beside an update (`num_examples` in
Flower, `sample_num` in FedML): `examples` says which report is believed, where "reported" would say that some is.
"""

CLIENTS = 0.1
"""The share of clients, rounded down and one more, that a cap keeps from outweighing the rest; Portnoy et al.'s."""

HELD = 0.5
"""The share of all weight that these hold at most; Portnoy et al.'s."""


def row_weights(cohort: Cohort, weighting: Weighting) -> Weights:
    """A weight [n] in float64 for each row, summing to one; uniform if all senders claim zero examples."""
    counts = row_counts(cohort, weighting)
    return counts / counts.sum()


def row_counts(cohort: Cohort, weighting: Weighting) -> Weights:
    """What `row_weights` divides by the sum: numbers of examples [n] in float64, or ones."""
    counts = torch.tensor(cohort.examples, dtype=torch.float64, device=cohort.updates.device)
    if weighting == "capped":
        counts = capped(counts)
    return torch.ones_like(counts) if weighting == "uniform" or counts.sum() == 0 else counts


def effect_of_claims(weighting: Weighting) -> Literal["copies", "ignored"] | None:
    """What `Contract.examples` says of a rule with these weights; a cap makes claims neither copies nor nothing."""
    return {"uniform": "ignored", "examples": "copies", "capped": None}[weighting]


def capped(counts: Tensor) -> Weights:
    """Claims [n] cut to the largest bound with which a tenth of the clients, and one more, hold at most half of all.

    They are as they were if they do so without one. A bound above zero need not exist: not for one client alone, nor
    where too few claim anything; then all claims are zero.

    Source: Portnoy, Tirosh and Hendler, "Towards Federated Learning With Byzantine-Robust Client Weighting", 2020, with
    its experiments' alpha = 0.1 and alpha* = 0.5; named by Shi et al. 2022, Section VII, against their weight attack.

    >>> capped(torch.tensor([10.0, 10.0, 1e6])).tolist()
    [10.0, 10.0, 20.0]
    """
    ordered, few = counts.sort(descending=True).values, int(CLIENTS * len(counts)) + 1
    places = torch.arange(1, len(ordered) + 1, device=counts.device)
    # Sums over what is behind each place, the smallest first, so that one huge claim hides nothing.
    behind = torch.cat([ordered.flip(0).cumsum(0).flip(0)[1:], ordered.new_zeros(1)])
    # Cut to the k-th largest claim, k clients are at the bound, and of the first `few` those after them are not.
    held = places.clamp(max=few) * ordered + (behind - behind[few - 1]).clamp(min=0)
    fine = held <= HELD * (places * ordered + behind)
    if fine[0]:
        return counts
    if not fine.any():
        return torch.zeros_like(counts)
    cut = int(fine.long().argmax())
    # The bound lies between this claim and the next larger one: where `cut` clients at it make both sides equal.
    bound = (ordered[cut:few].sum() - HELD * ordered[cut:].sum()) / (HELD * cut - min(cut, few))
    return counts.clamp(max=float(bound))
