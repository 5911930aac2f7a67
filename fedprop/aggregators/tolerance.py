"""How many Byzantine rows a rule tolerates, by its own word."""

from typing import TypeVar

from fedprop.aggregators.base import Aggregator, RowConsumer
from fedprop.aggregators.contract import Region, no_tolerance
from fedprop.aggregators.pipeline import Pipeline
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.aggregators.said import contract_said

T = TypeVar("T")


def parts_of(rule: T) -> tuple[RowConsumer | Postprocessor | T, ...]:
    """What stands before the rule of a chain, the rule, and what comes after it; anything else alone."""
    return rule.parts if isinstance(rule, Pipeline) else (rule,)


def rule_of(rule: T) -> RowConsumer | T:
    """The rule of a chain; anything else as it is."""
    return rule.rule if isinstance(rule, Pipeline) else rule


def tolerated(rule: Aggregator, n: int) -> int | None:
    """The most Byzantine rows among n for which a rule claims anything; None for a rule that claims nothing.

    Its contract decides, if that says how far off the answer may be, or for how many Byzantine rows where it lies; else
    the `f` that the rule was set to, the smallest of a chain.

    >>> from fedprop.aggregators import CenteredClipping, Krum, Mean, Median
    >>> [tolerated(rule, 10) for rule in (Krum(f=2), Median(), Mean(), CenteredClipping(radius=1.0))]
    [2, 4, 0, None]
    """
    contract = contract_said(rule)
    placed = contract.lies_in is not Region.ANYWHERE and contract.tolerates is not no_tolerance
    claims = placed or contract.kappa is not None
    if claims and (numbers := contract.tolerates(n)):
        return max(numbers)
    set_to = [getattr(part, "f", None) for part in parts_of(rule)]
    return min((f for f in set_to if isinstance(f, int)), default=None)
