"""A cohort without some of its rows, for whoever drops them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import take
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.stage import Staged


def only(cohort: Cohort, rows: Sequence[int]) -> Cohort:
    """These rows, with all that is known of who sent them."""
    return cohort.changed(
        updates=take(cohort.updates, torch.tensor(rows, dtype=torch.long, device=cohort.updates.device)),
        clients=tuple(cohort.clients[i] for i in rows),
        examples=tuple(cohort.examples[i] for i in rows),
        staleness=tuple(cohort.staleness[i] for i in rows),
    )


def region_of_some(contract: Contract) -> Region | None:
    """Where the answer lies of a rule that gets some of the rows: honest ones may be among those dropped."""
    return Region.BOX if contract.lies_in is Region.HONEST_BOX else contract.lies_in


def filtered(cohort: Cohort, keeps: Tensor) -> Staged:
    """What a stage answers that keeps the rows of a mask [n], in their order."""
    kept = keeps.nonzero().flatten()
    mixing = torch.eye(len(cohort.updates), dtype=torch.float64, device=cohort.updates.device)[kept]
    return Staged(only(cohort, kept.tolist()), mixing)
