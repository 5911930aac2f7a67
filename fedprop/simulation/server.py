"""The server: invites clients, judges what they send, aggregates, and moves the global model."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile

from fedprop.authentication import client_key
from fedprop.clock import Timer, now, post
from fedprop.defenses import RoundProtocol, Ruling
from fedprop.errors import InvalidUpdates, RunFailed
from fedprop.failures import in_words
from fedprop.messages import Invitation, Reason, Report, Update
from fedprop.params import ParameterLayout
from fedprop.privacy import Finding, Sent, Sight
from fedprop.rng import generator
from fedprop.simulation.admission import Door
from fedprop.simulation.aggregating import Aggregating
from fedprop.simulation.asking import ask_invite, ask_select
from fedprop.simulation.ending import End
from fedprop.simulation.events import EventKind, RoundRecord
from fedprop.simulation.examination import Examiner, Grades
from fedprop.simulation.inbox import Inbox
from fedprop.simulation.ledger import Accepted, TaskState
from fedprop.simulation.privacy import PrivacyMeter
from fedprop.simulation.roster import Roster
from fedprop.simulation.setup import Setup
from fedprop.simulation.state import ServerState
from fedprop.simulation.transport import Emit, Payload, Transport
from fedprop.training.lazy import TicketOffice
from fedprop.training.task import Ticket
from fedprop.types import ClientId, Round, Seconds, Vector


class Server:
    """What all policies share; a policy's own loop calls it.

    Attributes
    ----------
    on_round : is told of every round as it closes, and may say why the run is to end.
    ended : what has ended the run; None as long as nothing has.
    """

    def __init__(
        self,
        setup: Setup,
        roster: Roster,
        office: TicketOffice,
        transport: Transport,
        meter: PrivacyMeter,
        emit: Emit,
    ) -> None:
        self.setup = setup
        self.inbox: Inbox[tuple[ClientId, Payload]] = Inbox()
        self.layout = ParameterLayout.of(setup.module)
        self._aggregating = Aggregating(setup, self.layout, emit)
        self._freezes = bool(self._aggregating.fixed.any())
        self._begins = setup.has("begin")
        self.state = ServerState(*self._aggregating.begin(), setup.rule.init())
        self._door = Door(
            clients=setup.clients,
            size=self.layout.size,
            dtype=self.layout.dtype,
            max_staleness=setup.policy.stalest,
            reports=() if setup.protocol is None else setup.protocol.reports,
            key=partial(client_key, setup.seed),
        )
        if setup.protocol is not None:
            self.state.protocol = setup.protocol.init()
        self._examine = Examiner(setup)
        self._office = office
        self._transport = transport
        self._roster = roster
        self._meter = meter
        self._timer_is_set = False
        self._emit = emit
        self.on_round: Callable[[RoundRecord], str] = lambda _: ""
        self.ended: End | None = None
        self._is_open = False
        self._hostile = {client: index for index, (_, held) in enumerate(setup.attacks) for client in held}

    def open_round(self) -> bool:
        """Open the next round, if another one may start now; whether it did."""
        self.ended = self.ended or self._limit(self.state.round)
        self._is_open = self.ended is None
        if self._is_open:
            self._emit(EventKind.ROUND_OPENED)
        return self._is_open

    def receive(self, client: ClientId, message: Payload) -> None:
        """A message arrives from a client's link."""
        self._emit(EventKind.ARRIVED, client=client, task=None if isinstance(message, bytes) else message.task)
        self.inbox.put((client, message))

    def available(self) -> list[ClientId]:
        """The clients that are up, hold data and have no open task, in order of their ids."""
        return self._roster.available(self.state.ledger.busy)

    async def wait_for_a_client(self) -> None:
        """Sleep until some client crashes or returns."""
        await Timer(self._roster.next_change()).wait()

    def sample(self, wanted: int) -> list[ClientId]:
        """Up to `wanted` available clients, in order of their ids: uniformly at random, or as a protocol selects."""
        ledger, protocol = self.state.ledger, self.setup.defending("select", self.state.round)
        if protocol is None or wanted < 1:
            return self._roster.sample(wanted, ledger.busy, ledger.issued)
        if not (available := self.available()):
            return []
        memory, draw = self.state.protocol, generator(self.setup.seed, "selection", ledger.issued)
        return ask_select(protocol, available, wanted, memory, round=self.state.round, generator=draw)

    def invite(self, clients: Sequence[ClientId]) -> None:
        """Give each client a task on the current version."""
        state, moment = self.state, now()
        protocol = self.setup.defending("invite", state.round)
        for client in clients:
            origin = state.parameters if protocol is None else self._sent(protocol, client)
            task = state.ledger.issue(client, state.round, state.version, origin, moment).task
            self._office.take(Ticket(client, task, origin, None, state.round), waits=self._begins)
            self._emit(EventKind.INVITED, client=client, task=task)
            if not self._transport.send("down", client, Invitation(task, state.round, state.version, origin)):
                self._office.let_go(task, "client")

    def _sent(self, protocol: RoundProtocol, client: ClientId) -> Vector:
        """What a client is sent in place of the global model."""
        state = self.state
        draw = generator(self.setup.seed, "invitation", client, state.ledger.issued)
        return ask_invite(protocol, client, state.parameters, state.protocol, round=state.round, generator=draw)

    def judge(self, sender: ClientId, payload: Payload) -> Accepted | None:
        """Admit a message or refuse it with a reason; an identified message closes its task either way."""
        message = self._door.read(payload)
        if isinstance(message, Update):
            return self._admit(sender, message)
        if isinstance(message, Reason):
            self._refuse(sender, None, None, message)
        else:
            self._hear(sender, message)
        return None

    def _admit(self, sender: ClientId, message: Update) -> Accepted | None:
        """Take an update, or refuse it."""
        task = self._door.identify(sender, message, self.state.ledger)
        if isinstance(task, Reason):
            self._refuse(sender, message.task, message.version, task)
            return None
        fits = self._office.fits(task.task, message.update)
        reason = self._door.inspect(message, task, self.state.version, self.state.reports, fits=fits)
        if reason is not None:
            self.end(task.task, TaskState.REFUSED)
            self._refuse(sender, task.task, task.version, reason)
            return None
        return self._accept(message)

    def _hear(self, sender: ClientId, message: Report) -> None:
        """Note a report, or refuse it; a refused one changes nothing, its task's state included."""
        task = self._door.hear(sender, message, self.state.ledger, self.state.reports)
        if isinstance(task, Reason):
            self._refuse(sender, message.task, message.version, task)
            return
        self.state.reports.setdefault(task.task, {})[message.kind] = message
        self._emit(EventKind.HEARD, client=sender, task=task.task, version=task.version, value=message.noted())

    def _refuse(self, sender: ClientId, task: int | None, version: int | None, reason: Reason) -> None:
        self.state.rejected += 1
        self._emit(EventKind.REJECTED, client=sender, task=task, version=version, detail=reason.value)

    def _accept(self, message: Update) -> Accepted:
        state, update = self.state, message.update
        number, client, round_, version, origin, _ = state.ledger.end(message.task, TaskState.ACCEPTED)
        state.accepted += 1
        staleness = float(state.version - version)
        self._emit(EventKind.ACCEPTED, client=client, task=number, version=version, value=staleness)
        if update.device != self.setup.device:
            update = update.to(self.setup.device)
        if self._freezes and bool(update[self._aggregating.fixed].any()):
            # Frozen weights never move, so what an attacker says of them must not count for a rule either.
            update = update.masked_fill(self._aggregating.fixed, 0.0)
        reports = tuple(state.reports.pop(number).values()) if number in state.reports else ()
        return Accepted(number, client, version, origin, update, message.examples, message.steps, round_, reports)

    def end(self, task: int, state: TaskState) -> None:
        """Close an open task without an update."""
        self.state.ledger.end(task, state)
        self.state.reports.pop(task, None)
        self._office.let_go(task, "server")

    def close_tasks(self) -> None:
        """Close all open tasks; answers to them will be refused."""
        for task in list(self.state.ledger.open):
            self.end(task, TaskState.CLOSED)

    def release(self, batch: Sequence[Accepted]) -> None:
        """Forget how accepted updates came about."""
        for item in batch:
            self._office.let_go(item.task, "server")

    def give_up(self, patience: Seconds) -> bool:
        """Stop waiting for the tasks that are open for at least so long; whether there were any."""
        overdue = list(takewhile(lambda task: task.invited + patience <= now(), self.state.ledger.open.values()))
        for task in overdue:
            self._emit(EventKind.TIMED_OUT, client=task.client, task=task.task, version=task.version)
            self.end(task.task, TaskState.TIMED_OUT)
        return bool(overdue)

    def set_timer(self, patience: Seconds) -> None:
        """Wake the inbox's reader when the oldest task has been open for so long, but after all that arrives then.

        One timer at a time is enough, since tasks are opened in order of time.
        """
        if not self._timer_is_set:
            self._timer_is_set = True
            oldest = next(iter(self.state.ledger.open.values()))
            post(oldest.invited + patience, self._ring, last=True)

    def _ring(self) -> None:
        self._timer_is_set = False
        self.inbox.wake()

    def fail_round(self, failure: str, batch: Sequence[Accepted]) -> None:
        """Close the round without a new version, for the reason in `failure`, and forget the updates in the batch."""
        self._close_round({}, failure, batch)

    async def aggregate(self, batch: Sequence[Accepted]) -> None:
        """Make the next version from a batch of updates, and close the round.

        Raises
        ------
        RunFailed
            If no round is open.
        """
        if not self._is_open:
            raise RunFailed(
                "a policy must play while `server.open_round()` opens a round; found none open to aggregate in"
            )
        if self.setup.aggregation_seconds:
            await Timer(now() + self.setup.aggregation_seconds).wait()
        weights: dict[ClientId, float] = {}
        failure = ""
        used, ruling = self._aggregating.screen(self.state, batch)
        try:
            rollback = ruling is not None and ruling.rollback
            weights, found = self._aggregating.step(self.state, used, rollback=rollback)
            ruling = ruling if found is None else found
            self._meter.averaged(item.client for item in used)
        except InvalidUpdates as error:
            failure = in_words(error)
        self._close_round(weights, failure, batch, ruling)

    def _close_round(
        self, weights: dict[ClientId, float], failure: str, batch: Sequence[Accepted], ruling: Ruling | None = None
    ) -> None:
        """Record a round that made a version of a batch, or failed to, and evaluate when it is time to."""
        state, self._is_open = self.state, False
        if failure:
            self._emit(EventKind.ROUND_FAILED, detail=failure)
        else:
            used = batch if ruling is None else weights
            self._emit(EventKind.AGGREGATED, value=float(len(used)), detail=self.digest())
        self.ended = self._limit(state.round + 1)
        found = Grades()
        if (state.round + 1) % self.setup.evaluate_every == 0 or self.ended:
            found = self.examine(state.round)
            self._emit(EventKind.EVALUATED, value=found.accuracy)
            self.ended = self.ended or self._reached(found)
        record = RoundRecord(
            round=state.round,
            version=state.version,
            time=now(),
            wall_seconds=0.0,
            accepted=state.accepted,
            rejected=state.rejected,
            accuracy=found.accuracy,
            loss=found.loss,
            numbers=found.numbers,
            weights=weights,
            epsilon=self._meter.read(),
            failure=failure,
            findings=self._probe(batch, self.ended is not None),
            ruling=ruling,
            last=self.ended is not None,
            attacked=self._attacked(batch),
        )
        self.release(batch)
        state.accepted = state.rejected = 0
        state.round += 1
        if why := self.on_round(record):
            self.ended = self.ended or End("watcher", why)

    def _attacked(self, batch: Sequence[Accepted]) -> dict[int, int]:
        """Which attacks have a part in these updates, and in how many: for the record alone, no server knows."""
        found = Counter((self._hostile[item.client], item.round) for item in batch if item.client in self._hostile)
        counts: dict[int, int] = {}
        for (index, round_), count in sorted(found.items()):
            if self.setup.attacking(index, round_):
                counts[index] = counts.get(index, 0) + count
        return counts

    def examine(self, round: Round) -> Grades:
        """How good the global model is; the round is for errors alone."""
        return self._examine(self.state.parameters, round)

    def _reached(self, found: Grades) -> End | None:
        """Whether an evaluation ends the run."""
        state, until = self.state, self.setup.until
        if found.accuracy is None or found.loss is None:
            return None
        state.in_vain = 0 if found.accuracy > state.best else state.in_vain + 1
        state.best = max(state.best, found.accuracy)
        why = "" if until is None else until.why(found.accuracy, found.loss, state.in_vain)
        return End("until", why) if why else None

    def _probe(self, batch: Sequence[Accepted], last: bool) -> tuple[Finding, ...]:
        """Show the round to whoever looks at the run."""

        def sent(client: ClientId) -> Sent | None:
            found = next((item for item in reversed(batch) if item.client == client), None)
            if found is None:
                return None
            start = self._office.tickets[found.task].start
            return Sent(found.origin, found.update, found.examples, found.steps, start)

        sight = Sight(self.state.round, last, self.state.parameters, sent)
        return tuple(finding for probe in self.setup.probes for finding in probe(sight))

    def _limit(self, next_round: Round) -> End | None:
        """What keeps another round from starting now."""
        if next_round >= self.setup.rounds:
            return End("rounds")
        return End("max_seconds") if now() >= self.setup.max_seconds else None

    def digest(self) -> str:
        """A fingerprint of the global parameters, to the bit."""
        return hashlib.sha256(self.state.parameters.cpu().numpy().tobytes()).hexdigest()[:16]
