"""The clients: each serves an invitation by training for a while and sending what it learnt."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from anyio.abc import TaskGroup

from fedprop.authentication import client_key, signed
from fedprop.clock import now, post
from fedprop.defenses import RoundProtocol
from fedprop.messages import Draft, Instruction, Invitation, Update
from fedprop.simulation.adversary import Adversary
from fedprop.simulation.asking import ask_beginning, ask_report
from fedprop.simulation.events import EventKind
from fedprop.simulation.privacy import PrivacyMeter
from fedprop.simulation.roster import Roster
from fedprop.simulation.setup import Setup
from fedprop.simulation.transport import Emit, Payload, Transport
from fedprop.training.lazy import TicketOffice
from fedprop.types import ClientId, Seconds, Vector

Outcome: TypeAlias = Literal["done", "late", "dropped", "crashed"]


class Activity(NamedTuple):
    """What a client is doing: it trains until `until`, and then `outcome` happens.

    One whose outcome is `late` has trained already, and waits on purpose before it follows the instruction.
    """

    number: int
    client: ClientId
    invitation: Invitation
    until: Seconds
    outcome: Outcome
    instruction: Instruction | None = None


class Clients:
    """All clients. An idle one costs nothing; a busy one is a timer, and its whole state is its `Activity`.

    A compromised client that has finished training is a task, since it waits for the adversary's instruction. Where a
    defense has clients begin in a way of its own, each also keeps the model that it ended its last answered task with
    (a compromised one the honest model that it trained, and not the one that it sent).
    """

    def __init__(
        self,
        setup: Setup,
        roster: Roster,
        office: TicketOffice,
        transport: Transport,
        adversary: Adversary,
        meter: PrivacyMeter,
        emit: Emit,
    ) -> None:
        self.active: dict[ClientId, Activity] = {}
        self.newest: dict[ClientId, int] = {}
        self.models: dict[ClientId, Vector] = {}
        self._setup = setup
        self._begins = setup.protocol if setup.has("begin") else None
        self._reports = setup.protocol if setup.has("report") else None
        self._roster = roster
        self._office = office
        self._transport = transport
        self._adversary = adversary
        self._compromised = setup.compromised
        self._meter = meter
        self._emit = emit
        self._tasks: TaskGroup | None = None
        self._efforts: dict[ClientId, float] = {}

    def start(self, tasks: TaskGroup) -> None:
        """Run the work of busy clients in this task group from now on."""
        self._tasks = tasks

    def receive(self, client: ClientId, message: Payload) -> None:
        """An invitation reaches a client: it drops what it was doing and trains, unless it is down or has seen it."""
        if not isinstance(message, Invitation):
            return
        task, version = message.task, message.version
        if task <= self.newest.get(client, -1):
            self._ignore(client, task)
            return
        self.newest[client] = task
        if client in self.active:
            self._abandon(self.active[client], EventKind.DROPPED, f"superseded by task {task}")
        if self._roster.is_up(client):
            self._emit(EventKind.RECEIVED, client=client, task=task, version=version)
            if client in self._compromised:
                self._adversary.hears(client, message)
            if self._begins is not None:
                self._begin(self._begins, client, message)
            self.pursue(self._plan(client, message))
        else:
            self._emit(EventKind.UNREACHABLE, client=client, task=task, version=version)
            self._office.let_go(task, "client")

    def _begin(self, protocol: RoundProtocol, client: ClientId, invitation: Invitation) -> None:
        """Choose where to start, and tell the server at once what the protocol has clients report."""
        task, version = invitation.task, invitation.version
        last, test = self.models.get(client), self._setup.local_test
        start, reports, detail = ask_beginning(protocol, client, invitation.parameters, last, test, invitation.round)
        self._office.begin(task, start)
        value = next((report.about(client, task, version).noted() for report in reports), None)
        self._emit(EventKind.BEGAN, client=client, task=task, version=version, value=value, detail=detail)
        self._report(client, invitation, reports)

    def _report(self, client: ClientId, invitation: Invitation, reports: Sequence[Draft]) -> None:
        """Send what an honest client reports; a compromised one answers as its attack likes."""
        key = client_key(self._setup.seed, client)
        for honest in reports:
            said = honest.answered(lambda truth: self._adversary.reports(client, truth, invitation.round))
            self._transport.send("up", client, signed(said.about(client, invitation.task, invitation.version), key))

    def _ignore(self, client: ClientId, task: int) -> None:
        """A second copy, or an invitation that a newer one overtook."""
        working_on = self.active.get(client)
        if working_on is None or working_on.invitation.task != task:
            self._office.let_go(task, "client")

    def _plan(self, client: ClientId, invitation: Invitation) -> Activity:
        """How long a task will take this client, and how it will end."""
        setup, task = self._setup, invitation.task
        effort = self._effort(client)
        if client in self._compromised:
            effort /= self._adversary.speed(client, invitation.round)
        seconds = setup.compute.seconds(setup.seed, client, task, effort)
        drop = setup.faults.drops_at(setup.seed, client, task)
        if drop is not None:
            return self._activity(client, invitation, drop * seconds, "dropped")
        return self._activity(client, invitation, seconds, "done")

    def _activity(self, client: ClientId, invitation: Invitation, seconds: Seconds, outcome: Outcome) -> Activity:
        """What a client does for so long from now on, unless it crashes before."""
        ends, crash = now() + seconds, self._roster.changes(client)
        if crash < ends:
            return Activity(self._transport.ticket(), client, invitation, crash, "crashed")
        return Activity(self._transport.ticket(), client, invitation, ends, outcome)

    def _effort(self, client: ClientId) -> float:
        """What a task costs this client; computed once and kept."""
        found = self._efforts.get(client)
        if found is None:
            setup, examples = self._setup, self._roster.examples[client]
            steps = setup.training.count_steps(examples)
            processed = steps * min(setup.training.batch_size, examples)
            found = self._efforts[client] = setup.compute.effort(setup.seed, client, steps=steps, examples=processed)
        return found

    def pursue(self, activity: Activity) -> None:
        """Begin, or after a resume take up again, what a client is doing."""
        if self._tasks is None:
            raise RuntimeError("clients are not started")
        self.active[activity.client] = activity
        post(activity.until, self._finish, self._tasks, activity)

    def _finish(self, tasks: TaskGroup, activity: Activity) -> None:
        """The end of an activity has come, unless a newer one took its place."""
        _, client, invitation, _, outcome, instruction = activity
        if self.active.get(client) is not activity:
            return
        if outcome in ("dropped", "crashed"):
            self._abandon(activity, EventKind(outcome))
            return
        if instruction is not None:
            self._send(activity, instruction)
            return
        self._emit(EventKind.TRAINED, client=client, task=invitation.task, version=invitation.version)
        if client in self._compromised:
            tasks.start_soon(self._obey, activity)
        else:
            self._send(activity)

    async def _obey(self, activity: Activity) -> None:
        """Do what the adversary says: send at once, later, or never."""
        client, invitation = activity.client, activity.invitation
        instruction = await self._adversary.consult(client, invitation)
        if instruction.lateness == math.inf:
            self._abandon(activity, EventKind.SILENT)
        elif instruction.lateness > 0:
            waiting = self._activity(client, invitation, instruction.lateness, "late")
            self.pursue(waiting._replace(instruction=instruction))
        else:
            self._send(activity, instruction)

    def _send(self, activity: Activity, instruction: Instruction | None = None) -> None:
        """Send what was learnt, or what an instruction says instead."""
        client, invitation = activity.client, activity.invitation
        task, _, version, _ = invitation
        result = self._office.result(task)
        says = result if instruction is None else instruction
        update = Update(client, task, version, says.update, says.examples, result.steps, result.loss)
        del self.active[client]
        self._meter.sent(client)
        if self._begins is not None:
            self.models[client] = invitation.parameters + result.update
        if self._reports is not None:
            told = ask_report(self._reports, client, invitation.parameters, result.update, invitation.round)
            self._report(client, invitation, told)
        self._transport.send("up", client, update)
        self._office.let_go(task, "client")

    def _abandon(self, activity: Activity, kind: EventKind, detail: str = "") -> None:
        """A client loses its task; nobody tells the server."""
        del self.active[activity.client]
        invitation = activity.invitation
        self._emit(kind, client=activity.client, task=invitation.task, version=invitation.version, detail=detail)
        self._office.let_go(invitation.task, "client")
