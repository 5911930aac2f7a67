"""What a list tells of a protocol, as its class says."""

from collections.abc import Mapping
from typing import get_args

from fedprop.defenses.protocol import RoundProtocol, Step


def of_protocol(protocol: RoundProtocol) -> Mapping[str, str]:
    """The steps of a round that it fills in, what it asks and has clients report, and the rule behind it."""
    return {
        "fills in": ", ".join(step for step in get_args(Step) if protocol.fills(step)),
        "asks": ", ".join(sorted(protocol.asks)),
        "reports": ", ".join(report.__name__ for report in protocol.reports),
        "remembers": "" if protocol.init() is None else "earlier rounds",
        "needs rounds": protocol.needs_rounds,
        "rule": protocol.rule.kind,
    }
