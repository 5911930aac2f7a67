"""What the server remembers."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from fedprop.messages import Report
from fedprop.simulation.ledger import Accepted, Ledger
from fedprop.simulation.stepping import Basis
from fedprop.types import Vector, Version


@dataclass
class ServerState:
    """Everything the server remembers from one round to the next.

    Attributes
    ----------
    memory : the rule's; `protocol` is that of the protocol, if there is one.
    fallback : what a rollback goes to, where the defense may ask for one; None before the first step.
    reports : what the clients of open tasks have reported so far, by task and kind.
    best : the best test accuracy so far, -1 before any; `in_vain` is how many evaluations since have been no better.
    """

    parameters: Vector
    optimizer: dict[str, Tensor]
    memory: Any
    protocol: Any = None
    fallback: Basis | None = None
    round: int = 0
    version: Version = 0
    accepted: int = 0
    rejected: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    buffer: list[Accepted] = field(default_factory=list)
    reports: dict[int, dict[str, Report]] = field(default_factory=dict)
    best: float = -1.0
    in_vain: int = 0

    @property
    def basis(self) -> Basis:
        """The current global model, as a step's beginning."""
        return Basis(self.parameters, self.optimizer)
