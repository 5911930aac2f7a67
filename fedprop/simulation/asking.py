"""Asking the rule that aggregates, which may be one of the user's own."""

from typing import Any

import torch

from fedprop.aggregators.base import Aggregation, Aggregator, Cohort
from fedprop.errors import InvalidUpdates, WrongAnswer
from fedprop.failures import blamed
from fedprop.types import Round


def ask(rule: Aggregator, cohort: Cohort, memory: Any, round: Round) -> Aggregation:
    """The rule's answer in this round, with no gradients attached.

    Raises
    ------
    InvalidUpdates
        If the rule declines these updates; that is no mistake of the rule, and the round alone fails.
    RunFailed
        If it raises anything else, or answers with something else than finite numbers of the right shape.
    """
    with blamed(f"rule {rule.kind} failed in round {round}", passing=(InvalidUpdates,)):
        value, weights, memory = rule.aggregate(cohort, memory)
        if not torch.isfinite(value).all() or not torch.isfinite(weights).all():
            raise WrongAnswer(
                f"the rule {type(rule).__name__} must answer with finite numbers, "
                "or raise InvalidUpdates to let the round fail; found NaN or infinity"
            )
        return Aggregation(value.detach(), weights.detach(), memory)
