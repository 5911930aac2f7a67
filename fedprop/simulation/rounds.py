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
from fedprop.simulation.transport import Emit

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
            on_round(server.close_round({}, failure, 0))
        else:
            on_round(await server.aggregate(batch))


async def _collect(server: Server, policy: Synchronous, wanted: int) -> list[Accepted]:
    """Accepted updates until there are enough, nobody is left to wait for, or the deadline has come."""
    batch: list[Accepted] = []
    deadline = math.inf if policy.deadline is None else now() + policy.deadline
    with anyio.move_on_at(deadline):
        while len(batch) < wanted and server.state.ledger.open:
            accepted = server.judge(*await server.inbox.get())
            if accepted is not None:
                batch.append(accepted)
    return batch


async def run_asynchronous(server: Server, policy: FedBuff | FedAsync, emit: Emit, on_round: OnRound) -> None:
    """Keep `concurrency` clients busy, and make a version whenever the buffer is full."""
    size = policy.buffer if isinstance(policy, FedBuff) else 1
    buffer = server.state.buffer
    while server.goes_on(server.state.round):
        emit(EventKind.ROUND_OPENED)
        last = server.state.ledger.issued + MAX_TASKS_PER_UPDATE * size
        while len(buffer) < size:
            _check_progress(server, last)
            await _staff(server, policy)
            await _one_message(server, policy)
        batch = buffer[:]
        buffer.clear()
        on_round(await server.aggregate(batch))


def _check_progress(server: Server, last: int) -> None:
    """Stop a run that would invite clients for ever: a timeout shorter than training, say."""
    if server.state.ledger.issued > last:
        raise RunFailed(
            f"round {server.state.round} came to no end: {MAX_TASKS_PER_UPDATE} tasks for each update wanted were not "
            "enough; is `policy.timeout` shorter than training, `policy.max_staleness` too small, or `faults` too hard?"
        )


async def _staff(server: Server, policy: FedBuff | FedAsync) -> None:
    """Invite until enough clients are busy; wait only if none is busy and none can be."""
    while True:
        server.invite(server.sample(policy.concurrency - len(server.state.ledger.open)))
        if server.state.ledger.open:
            return
        await server.wait_for_a_client()


async def _one_message(server: Server, policy: FedBuff | FedAsync) -> None:
    """Judge one message, or give up the tasks whose time is over."""
    while not server.inbox.items:
        if policy.timeout is not None:
            if server.give_up(policy.timeout):
                return
            server.set_alarm(policy.timeout)
        await server.inbox.wait()
    accepted = server.judge(*server.inbox.items.popleft())
    if accepted is not None:
        server.state.buffer.append(accepted)
