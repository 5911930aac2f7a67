"""The server's front door: which messages it takes, and the typed reason for each it does not."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fedprop.errors import MalformedMessage
from fedprop.messages import Invitation, Reason, Update, decode
from fedprop.simulation.ledger import Ledger, Task, TaskState
from fedprop.types import ClientId, Version

_ENDED = {
    TaskState.ACCEPTED: Reason.DUPLICATE,
    TaskState.REFUSED: Reason.DUPLICATE,
    TaskState.TIMED_OUT: Reason.TIMED_OUT,
    TaskState.CLOSED: Reason.CLOSED,
}


@dataclass(frozen=True)
class Door:
    """The rules of admission.

    Attributes
    ----------
    clients : how many clients are registered; their ids are 0 .. clients - 1.
    size, dtype : what an update must look like.
    max_staleness : the most versions an update may lie behind; None for no bound.
    """

    clients: int
    size: int
    dtype: torch.dtype
    max_staleness: int | None = None

    def read(self, message: Invitation | Update | bytes) -> Update | Reason:
        """The update in a message, or why it holds none. Bytes come from a sender that does not speak the protocol."""
        if isinstance(message, bytes):
            try:
                message = decode(message, max_bytes=2 * self.size * 8 + 2**16)
            except MalformedMessage:
                return Reason.MALFORMED
        return message if isinstance(message, Update) else Reason.MALFORMED

    def identify(self, sender: ClientId, message: Update, ledger: Ledger) -> Task | Reason:
        """The open task that a message answers, or why it answers none.

        `sender` is whom the channel says the message comes from; what the message claims must agree.
        """
        if not 0 <= message.client < self.clients:
            return Reason.UNKNOWN_CLIENT
        if message.client != sender:
            return Reason.WRONG_SENDER
        state = ledger.state(message.task)
        if state is None:
            return Reason.UNKNOWN_TASK
        if state is not TaskState.OPEN:
            return _ENDED[state]
        task = ledger.open[message.task]
        return task if task.client == sender else Reason.WRONG_SENDER

    def inspect(self, message: Update, task: Task, current: Version) -> Reason | None:
        """Why the content of an identified message cannot be used; None if it can."""
        if message.version != task.version:
            return Reason.WRONG_VERSION
        if self.max_staleness is not None and current - task.version > self.max_staleness:
            return Reason.TOO_STALE
        if message.update.numel() > self.size:
            return Reason.OVERSIZED
        if message.update.shape != (self.size,):
            return Reason.WRONG_SHAPE
        if message.update.dtype != self.dtype:
            return Reason.WRONG_DTYPE
        if not _is_finite(message.update):
            return Reason.NOT_FINITE
        if message.examples < 1:
            return Reason.BAD_SIZE
        return Reason.BAD_STEPS if message.steps < 1 else None


def _is_finite(row: Tensor) -> bool:
    """Whether all numbers of a row are finite; where their sum is, they are, and otherwise it may have overflowed."""
    return math.isfinite(row.sum().item()) or bool(torch.isfinite(row).all())
