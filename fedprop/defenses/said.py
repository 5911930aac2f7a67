"""What defenses say of themselves, read where they may be anybody's."""

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.said import asks_said, check_said, said
from fedprop.aggregators.server_side import EXAMPLES
from fedprop.defenses.protocol import RoundProtocol
from fedprop.errors import InvalidConfig


def check_defense(defense: Aggregator | RoundProtocol) -> None:
    """Refuse a rule, or a protocol or its rule, that says of itself what cannot be.

    Raises
    ------
    InvalidConfig
        With the class, the property, its rule and what was found.
    """
    if isinstance(defense, RoundProtocol):
        asks_said(defense, EXAMPLES)
        check_said(said(defense, "rule", "an Aggregator", lambda found: isinstance(found, Aggregator)))
    else:
        check_said(defense)


def misstated(defense: Aggregator | RoundProtocol) -> str:
    """The sentence with which `check_defense` refuses; empty if it does not."""
    try:
        check_defense(defense)
    except InvalidConfig as error:
        return str(error)
    return ""
