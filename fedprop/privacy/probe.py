"""Whoever looks at a run for what it gives away, without taking part in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias

from fedprop.privacy.membership import Inference
from fedprop.types import ClientId, Round, Vector

AttackName: TypeAlias = Literal["threshold", "logistic_regression"]


class Sight(NamedTuple):
    """What a curious server, or an eavesdropper on all its links, sees as a round closes.

    Attributes
    ----------
    last : whether no other round follows.
    parameters : the global model, [d].
    local : the newest local model, [d], of a client whose update the server accepted for this round; None of others.
    """

    round: Round
    last: bool
    parameters: Vector
    local: Callable[[ClientId], Vector | None]


@dataclass(frozen=True)
class Finding:
    """What one attack on one model came to.

    Attributes
    ----------
    client : whose local model was attacked; None for the global model.
    """

    client: ClientId | None
    attack: AttackName
    inference: Inference

    @property
    def target(self) -> str:
        """The model attacked, in words."""
        return "global model" if self.client is None else f"client {self.client}"


class Probe(Protocol):
    """Is shown every round as it closes. It must not change what it sees, so that a run is the same without it."""

    def __call__(self, sight: Sight) -> tuple[Finding, ...]:
        """What was found in this round; a function of the sight and of nothing that came before."""
        ...
