"""What of a defense does not go with an asynchronous policy, or would have the policy's settings do nothing."""

from collections.abc import Iterator

from fedprop.aggregators import Aggregator
from fedprop.aggregators.base import RowConsumer
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.defenses import RoundProtocol
from fedprop.settings import Kind
from fedprop.simulation.policies import Policy


def in_rounds_alone(defense: Kind, policy: Policy) -> Iterator[str]:
    """A sentence for each part of a defense that needs rounds, where the policy knows none."""
    for part in () if policy.synchronous else _parts(defense):
        if isinstance(part, RowConsumer | Postprocessor | RoundProtocol) and part.needs_rounds:
            name = type(part).__name__
            yield f"`policy` must be synchronous for {name}: {part.needs_rounds}; found {policy.kind}"


def without_effect(rule: Aggregator, policy: Policy) -> Iterator[str]:
    """A sentence for each setting that discounts stale rows, where their lengths do not count."""
    for wanted, found in policy.discounts() if rule.by_direction else ():
        yield f"{wanted} for {_named(rule)}, which takes rows by their directions alone; found {found}"


def _named(rule: Aggregator) -> str:
    return " >> ".join(type(part).__name__ for part in getattr(rule, "parts", (rule,)))


def _parts(defense: Kind) -> Iterator[Kind]:
    """It and everything that stands in its settings, and in theirs."""
    yield defense
    for value in vars(defense).values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Kind):
                yield from _parts(part)
