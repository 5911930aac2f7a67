"""The server's side of a protocol: whose updates are used, and onto which model."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from fedprop.aggregators.server_side import ServerSide
from fedprop.defenses import Replies, RoundProtocol, Ruling
from fedprop.simulation.asking import ask_screen
from fedprop.simulation.events import EventKind
from fedprop.simulation.ledger import Accepted
from fedprop.simulation.transport import Emit
from fedprop.types import Round


class Passed(NamedTuple):
    """What is left of a round's updates, and what the protocol remembers from now on."""

    batch: list[Accepted]
    ruling: Ruling
    memory: Any


def screen(
    protocol: RoundProtocol,
    batch: Sequence[Accepted],
    memory: Any,
    *,
    server: ServerSide | None,
    round: Round,
    rounds: int,
    emit: Emit,
) -> Passed:
    """Put the updates of one round, at least one, before the protocol, and record what it says."""
    replies = Replies(
        updates=torch.stack([a.update for a in batch]),
        clients=tuple(a.client for a in batch),
        reports=tuple(a.reports for a in batch),
        server=server,
        round=round,
        rounds=rounds,
    )
    accepted, ruling, memory = ask_screen(protocol, replies, memory)
    tell(ruling, batch, accepted, emit)
    return Passed([item for item, used in zip(batch, accepted, strict=True) if used], ruling, memory)


def tell(ruling: Ruling, batch: Sequence[Accepted], used: Sequence[bool], emit: Emit) -> None:
    """Record what was found out about the updates of a batch, and which of them are used."""
    emit(EventKind.RULED, value=float(ruling.rollback), detail=ruling.case)
    for item, is_used in zip(batch, used, strict=True):
        emit(
            EventKind.JUDGED,
            client=item.client,
            task=item.task,
            version=item.version,
            value=ruling.scores.get(item.client),
            detail=_finding(ruling, item, is_used),
        )


def _finding(ruling: Ruling, item: Accepted, used: bool) -> str:
    words = [ruling.verdicts[item.client], "used" if used else "not used"]
    return ", ".join([*words, "banned"] if item.client in ruling.banned else words)
