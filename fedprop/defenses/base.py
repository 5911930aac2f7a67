"""What every defense is: a machine on the server that is opened, handed messages, and closed, round after round."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from fedprop.types import ClientId, Round, Vector


class Closed(NamedTuple):
    """The end of a round.

    Attributes
    ----------
    value : Tensor, shape [d], or None
        The aggregate of the accepted updates; None if there were too few of them to aggregate.
    verdicts : mapping from client to float
        The weight of each accepted update in the aggregate; of nobody else. Empty if there is no aggregate.
    """

    value: Vector | None
    verdicts: Mapping[ClientId, float]


@runtime_checkable
class Defense(Protocol):
    """One round after the other: `open`, any number of `receive`, `close`.

    What a sender does is never an error: a message that cannot be used is refused. The first usable message of each
    invited client to the open round is accepted, and counts once. `fedprop verify` tries all of this.
    """

    def open(self, round: Round, clients: Sequence[ClientId]) -> None:
        """Begin a round that these clients are invited to. Rounds have ascending numbers.

        With a round open, the answer is a deliberate error, and the open round goes on: what it accepted is not lost.
        """
        ...

    def receive(self, client: ClientId, update: Vector, *, round: Round, examples: int = 1) -> bool:
        """Take a message, or refuse it.

        Parameters
        ----------
        client : who sent it, as the channel says.
        update : Tensor, shape [d]; local minus global parameters. It is left as it is, and copied if it is kept: its
            sender may use it again.
        round : which round the sender says it is for.
        examples : how many training examples the sender claims.

        Returns
        -------
        bool
            Whether the update was accepted. No update is from a client that was not invited, for a round that is not
            open, after another accepted one from the same client, or if it has the wrong shape, NaN or infinity.
        """
        ...

    def close(self) -> Closed:
        """End the round. With no round open, the answer is a deliberate error or nothing, but no crash."""
        ...
