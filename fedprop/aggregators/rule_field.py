"""The annotation for a setting of a rule that is a rule itself."""

from typing import Annotated, TypeAlias

from fedprop.aggregators.base import Aggregator
from fedprop.settings.spelling import Spelling

TOLD = "one of the aggregators, or a list with stages before one and postprocessors after it"
"""What may stand where a rule is wanted."""

RULE = Spelling(TOLD)
"""Bound in `fedprop.aggregators.choice`, which knows all rules, those with such a setting among them."""

RuleField: TypeAlias = Annotated[Aggregator, RULE]
"""A rule, in any form that `parse_defense` takes; written down so that it can be read again."""
