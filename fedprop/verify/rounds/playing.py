"""A session played to a round machine: the calls, what comes back, and what follows from it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fedprop.errors import FedpropError
from fedprop.failures import in_words, shortened
from fedprop.types import ClientId, Round, Vector
from fedprop.verify.hunting.claim import Crashed, contained
from fedprop.verify.rounds.sessions import Close, Open, Operation, Send, Session

MEANT = (FedpropError, ValueError, RuntimeError)
"""Errors by which a machine may answer a call out of turn."""


class Ended(NamedTuple):
    """What `close` answered."""

    value: Vector | None
    verdicts: dict[ClientId, float]


@dataclass
class Log:
    """What a machine did with a session.

    Attributes
    ----------
    decisions : on its messages.
    ends : of its rounds.
    refused : for each `open` while a round was open, whether it was answered by an error that was meant.
    """

    decisions: list[bool] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    refused: list[bool] = field(default_factory=list)


def play(machine: Any, session: Session, *, reuse: bool = False) -> Log:
    """Make all calls, and note what comes back.

    With `reuse`, whatever is handed over, or handed back, is overwritten right after the call, as a caller does that
    uses its tensors and lists again.

    Raises
    ------
    Crashed
        If a call raises. One out of turn may be answered by an error that was meant.
    """
    log, is_open = Log(), False
    size, dtype = size_of(machine, session), getattr(machine, "dtype", torch.float32)
    for operation in session:
        if isinstance(operation, Open):
            _open(machine, operation, log, is_open=is_open, reuse=reuse)
        elif isinstance(operation, Send):
            _send(machine, operation, operation.update(size, dtype), log, reuse=reuse)
        elif is_open:
            log.ends.append(_ended(_call(operation, machine.close), reuse=reuse))
        else:
            _out_of_turn(machine.close, "a close when no round is open")
        is_open = not isinstance(operation, Close) and (is_open or isinstance(operation, Open))
    return log


def size_of(machine: Any, session: Session) -> int:
    """The length of updates: as the machine says, or as it was made for."""
    size = getattr(machine, "size", None)
    return size if isinstance(size, int) else session.size


def _open(machine: Any, operation: Open, log: Log, *, is_open: bool, reuse: bool) -> None:
    clients = list(operation.clients)
    call = partial(machine.open, operation.round, clients)
    if is_open:
        log.refused.append(_out_of_turn(call, f"{operation}, when a round is open"))
    else:
        _call(operation, call)
    if reuse:
        clients.clear()


def _send(machine: Any, operation: Send, update: Tensor, log: Log, *, reuse: bool) -> None:
    before = update.detach().clone()
    receive = partial(machine.receive, operation.client, update, round=operation.round, examples=operation.examples)
    log.decisions.append(bool(_call(operation, receive)))
    if not torch.equal(update.nan_to_num(), before.nan_to_num()):
        raise Crashed(f"{operation} is changed to {update.tolist()}")
    if reuse:
        update.detach().fill_(99)


def _call(operation: Operation, call: Callable[[], Any]) -> Any:
    try:
        with contained():
            return call()
    except Exception as error:
        raise Crashed(f"{in_words(error)}, at {operation}") from error


def _out_of_turn(call: Callable[[], Any], what: str) -> bool:
    """Whether a call is answered by an error that was meant."""
    try:
        with contained():
            call()
    except MEANT:
        return True
    except Exception as error:
        raise Crashed(f"{in_words(error)}, at {what}") from error
    return False


def _ended(closed: Any, *, reuse: bool) -> Ended:
    if closed is None:
        return Ended(None, {})
    try:
        value, verdicts = closed
        ended = Ended(value, {client: float(weight) for client, weight in dict(verdicts or {}).items()})
    except (TypeError, ValueError):
        ended = None
    if ended is None or not isinstance(ended.value, Tensor | None):
        found = shortened(repr(closed))
        raise Crashed(f"`close` must answer with a tensor or None, and verdicts; found {found}")
    if ended.value is None:
        return ended
    kept = ended._replace(value=ended.value.detach().clone())
    if reuse:
        with suppress(RuntimeError):  # a view that shows one number in many places
            ended.value.detach().fill_(99)
    return kept


def accepted_by(session: Session, decisions: Sequence[bool]) -> list[list[Send]]:
    """The first message of each client that was accepted in each round, by what the machine said itself."""
    rounds: list[list[Send]] = []
    said = iter(decisions)
    now: Round | None = None
    for operation in session:
        if isinstance(operation, Open):
            now = operation.round
            rounds.append([])
        elif isinstance(operation, Send):
            taken = next(said) and operation.round == now
            if taken and operation.client not in {before.client for before in rounds[-1]}:
                rounds[-1].append(operation)
        else:
            now = None
    return rounds


def clean(session: Session, rounds: Sequence[Sequence[Send]]) -> Session:
    """The same rounds with nothing but these messages in each."""
    opens = [operation for operation in session if isinstance(operation, Open)]
    operations: list[Operation] = []
    for opened, sent in zip(opens, rounds, strict=True):
        operations += [opened, *sent, Close()]
    return replace(session, operations=tuple(operations))


def magnitude(session: Session) -> float:
    """The largest number that is sent, NaN and infinity aside."""
    sent = [
        message.update(session.size, torch.float64).detach().nan_to_num(0.0, 0.0, 0.0) for message in session.sent()
    ]
    return max((float(update.abs().max()) for update in sent if update.numel()), default=1.0)


def same_end(a: Ended, b: Ended, magnitude: float) -> bool:
    """Whether two ends of rounds with numbers up to this magnitude are the same up to rounding in float32."""
    if (a.value is None) != (b.value is None) or a.verdicts.keys() != b.verdicts.keys():
        return False
    if any(abs(weight - b.verdicts[client]) > 1e-5 for client, weight in a.verdicts.items()):
        return False
    if a.value is None or b.value is None:
        return True
    return a.value.shape == b.value.shape and torch.allclose(
        a.value.double(), b.value.double(), rtol=1e-5, atol=1e-6 * magnitude, equal_nan=True
    )
