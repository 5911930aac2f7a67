"""The two ways to run a server: in rounds, or as updates come."""

import math
from collections.abc import Callable

import anyio

from fedprop.clock import now
from fedprop.errors import RunFailed
from fedprop.simulation.events import EventKind, RoundRecord
from fedprop.simulation.ledger import Accepted, TaskState
from fedprop.simulation.policies import FedAsync, FedBuff, Synchronous
from fedprop.simulation.server import Server
from fedprop.simulation.transport import Emit, Payload
from fedprop.types import ClientId

OnRound = Callable[[RoundRecord], None]


MAX_TASKS_PER_UPDATE = 10_000
"""So many tasks in vain, for each update that a version needs, and the run has failed."""


async def run_synchronous(server: Server, policy: Synchronous, emit: Emit, on_round: OnRound) -> None:
    """Round after round: invite, collect, aggregate. Between two rounds the server's state is complete in itself."""
    while server.goes_on(server.state.round):
        emit(EventKind.ROUND_OPENED)
        wanted = policy.cohort or server.setup.clients
        while not (invited := server.sample(policy.invited(wanted))):
            await server.wait_for_a_client()
        server.invite(invited)
        batch = await _collect(server, policy, min(wanted, len(invited)))
        for task in list(server.state.ledger.open):
            server.end(task, TaskState.CLOSED)
        if len(batch) < (fewest := policy.min_updates or 1):
            server.release(batch)
            failure = f"`min_updates` = {fewest} must be reached in a round; found {len(batch)}"
            on_round(server.close_round({}, failure, batch))
        else:
            on_round(await server.aggregate(batch))


async def _collect(server: Server, policy: Synchronous, wanted: int) -> list[Accepted]:
    """Accepted updates until there are enough, nobody is left to wait for, or the deadline has come."""
    batch: list[Accepted] = []

    def take(message: tuple[ClientId, Payload]) -> bool:
        accepted = server.judge(*message)
        if accepted is not None:
            batch.append(accepted)
        return len(batch) == wanted or not server.state.ledger.open

    deadline = math.inf if policy.deadline is None else now() + policy.deadline
    with anyio.move_on_at(deadline):
        await server.inbox.serve(take)
    return batch


async def run_asynchronous(server: Server, policy: FedBuff | FedAsync, emit: Emit, on_round: OnRound) -> None:
    """Keep `concurrency` clients busy, and make a version whenever the buffer is full."""
    size = policy.buffer if isinstance(policy, FedBuff) else 1
    buffer = server.state.buffer
    while server.goes_on(server.state.round):
        emit(EventKind.ROUND_OPENED)
        await _fill(server, policy, size)
        batch = buffer[:]
        buffer.clear()
        on_round(await server.aggregate(batch))


async def _fill(server: Server, policy: FedBuff | FedAsync, size: int) -> None:
    """Collect accepted updates until the buffer holds `size`, and invite somebody new whenever a client is free."""
    state = server.state
    last = state.ledger.issued + MAX_TASKS_PER_UPDATE * size

    def take(message: tuple[ClientId, Payload]) -> bool:
        accepted = server.judge(*message)
        if accepted is not None:
            state.buffer.append(accepted)
        if len(state.buffer) == size:
            return True
        _staff(server, policy, last)
        return not state.ledger.open

    while len(state.buffer) < size:
        _staff(server, policy, last)
        if not state.ledger.open:
            await server.wait_for_a_client()
        elif not _gave_up(server, policy):
            await server.inbox.serve(take)


def _staff(server: Server, policy: FedBuff | FedAsync, last: int) -> None:
    """Invite until enough clients are busy, or no more can be."""
    _check_progress(server, last)
    server.invite(server.sample(policy.concurrency - len(server.state.ledger.open)))


def _gave_up(server: Server, policy: FedBuff | FedAsync) -> bool:
    """Give up the tasks whose time is over, if no message waits; whether there were any. If not, set the next alarm."""
    if policy.timeout is None:
        return False
    if not server.inbox.items and server.give_up(policy.timeout):
        return True
    server.set_alarm(policy.timeout)
    return False


def _check_progress(server: Server, last: int) -> None:
    """Stop a run that would invite clients for ever: a timeout shorter than training, say."""
    if server.state.ledger.issued > last:
        raise RunFailed(
            f"round {server.state.round} came to no end: {MAX_TASKS_PER_UPDATE} tasks for each update wanted were not "
            "enough; is `policy.timeout` shorter than training, `policy.max_staleness` too small, or `faults` too hard?"
        )
