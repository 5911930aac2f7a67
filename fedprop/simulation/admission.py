"""The server's front door: which messages it takes, and the typed reason for each it does not."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor

from fedprop.authentication import is_authentic
from fedprop.errors import MalformedMessage
from fedprop.messages import Message, Reason, Report, Update, decode
from fedprop.simulation.ledger import Ledger, Task, TaskState
from fedprop.types import ClientId, Version

_ENDED = {
    TaskState.ACCEPTED: Reason.DUPLICATE,
    TaskState.REFUSED: Reason.DUPLICATE,
    TaskState.TIMED_OUT: Reason.TIMED_OUT,
    TaskState.CLOSED: Reason.CLOSED,
}
_ENDED_FOR_REPORTS = {**_ENDED, TaskState.ACCEPTED: Reason.REPORT_REPLAYED}
"""An update is accepted after its reports only, so another one is a second one."""

Heard: TypeAlias = Mapping[int, Collection[str]]
"""The kinds of reports that came so far, by open task."""

NOTHING: Heard = MappingProxyType({})


@dataclass(frozen=True)
class Door:
    """The rules of admission.

    Attributes
    ----------
    clients : how many clients are registered; their ids are 0 .. clients - 1.
    size, dtype : what an update must look like.
    max_staleness : the most versions an update may lie behind; None for no bound.
    reports : the kinds of reports that are expected of each task.
    key : the key that the server shares with a client, where reports are expected.
    """

    clients: int
    size: int
    dtype: torch.dtype
    max_staleness: int | None = None
    reports: tuple[type[Report], ...] = ()
    key: Callable[[ClientId], bytes] | None = None

    def read(self, message: Message | bytes) -> Update | Report | Reason:
        """What a client says, or why it says nothing. Bytes come from a sender that does not speak the protocol."""
        if isinstance(message, bytes):
            try:
                message = decode(message, max_bytes=2 * self.size * 8 + 2**16, reports=self.reports)
            except MalformedMessage:
                return Reason.MALFORMED
        if isinstance(message, Update) or (isinstance(message, Report) and type(message) in self.reports):
            return message
        return Reason.MALFORMED

    def identify(self, sender: ClientId, message: Update, ledger: Ledger) -> Task | Reason:
        """The open task that a message answers, or why it answers none.

        `sender` is whom the channel says the message comes from; what the message claims must agree.
        """
        return self._impostor(sender, message) or _task_of(message, ledger, _ENDED)

    def hear(self, sender: ClientId, report: Report, ledger: Ledger, heard: Heard) -> Task | Reason:
        """The open task that a report is about, or why it counts for nothing.

        Only the holder of the client's key can have made it, and of each task and kind only the first one counts.
        """
        if (reason := self._impostor(sender, report)) is not None:
            return reason
        if self.key is None or not is_authentic(report, self.key(sender)):
            return Reason.REPORT_FORGED
        task = _task_of(report, ledger, _ENDED_FOR_REPORTS)
        if isinstance(task, Reason):
            return task
        if report.version != task.version:
            return Reason.WRONG_VERSION
        return Reason.REPORT_REPLAYED if report.kind in heard.get(task.task, ()) else task

    def _impostor(self, sender: ClientId, message: Update | Report) -> Reason | None:
        """Why a message cannot come from whom it says it does; None if it can."""
        if not 0 <= message.client < self.clients:
            return Reason.UNKNOWN_CLIENT
        return None if message.client == sender else Reason.WRONG_SENDER

    def inspect(
        self, message: Update, task: Task, current: Version, heard: Heard = NOTHING, *, fits: bool = False
    ) -> Reason | None:
        """Why an identified message cannot be used; None if it can. One that `fits` has an update looked at before.

        The reports that are expected must be there before the update. They are sent before it, so whoever suppresses
        one, client or network, gains no more than by suppressing the update; and the server waits for nobody.
        """
        if self.reports and self._missing(heard.get(task.task, ())):
            return Reason.REPORT_MISSING
        if message.version != task.version:
            return Reason.WRONG_VERSION
        if self.max_staleness is not None and current - task.version > self.max_staleness:
            return Reason.TOO_STALE
        if not fits and (reason := self._unfit(message.update)) is not None:
            return reason
        if message.examples < 1:
            return Reason.BAD_SIZE
        return Reason.BAD_STEPS if message.steps < 1 else None

    def _unfit(self, row: Tensor) -> Reason | None:
        """Why a tensor cannot be an update; None if it can."""
        if row.shape != (self.size,):
            return Reason.OVERSIZED if row.numel() > self.size else Reason.WRONG_SHAPE
        if row.dtype != self.dtype:
            return Reason.WRONG_DTYPE
        return None if _is_finite(row) else Reason.NOT_FINITE

    def _missing(self, heard: Collection[str]) -> bool:
        return any(kind.model_fields["kind"].default not in heard for kind in self.reports)


def _task_of(message: Update | Report, ledger: Ledger, ended: Mapping[TaskState, Reason]) -> Task | Reason:
    """The open task that a message is about, or why it is about none."""
    task = ledger.open.get(message.task)
    if task is None:
        state = ledger.state(message.task)
        return Reason.UNKNOWN_TASK if state is None else ended[state]
    return task if task.client == message.client else Reason.WRONG_SENDER


def _is_finite(row: Tensor) -> bool:
    """Whether all numbers of a row are finite; if their squares' sum is, they are, and otherwise it may overflow."""
    return math.isfinite(row.dot(row).item()) or bool(torch.isfinite(row).all())
