"""One simulation: its actors, its trace, and its state as plain data."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from fedprop.clock import now
from fedprop.messages import Instruction, Report, checked, fields_of, kinds_of
from fedprop.simulation.adversary import Adversary
from fedprop.simulation.clients import Activity, Clients
from fedprop.simulation.events import Event, EventKind, Trace
from fedprop.simulation.finishing import Finishing
from fedprop.simulation.ledger import Accepted, Ledger, Task
from fedprop.simulation.privacy import PrivacyMeter
from fedprop.simulation.roster import Roster
from fedprop.simulation.server import Server
from fedprop.simulation.setup import Setup
from fedprop.simulation.state import ServerState
from fedprop.simulation.stepping import Basis
from fedprop.simulation.transport import Parcel, Payload, Transport
from fedprop.training.lazy import TicketOffice
from fedprop.training.task import LocalResult, Ticket, Train
from fedprop.types import ClientId, Seconds

OnEvent = Callable[[Event], None]


class World:
    """Server, clients, adversary and the network between them.

    Attributes
    ----------
    unheard : what went wrong in whoever is told of events: it is no fault of whoever told it.
    """

    def __init__(self, setup: Setup, on_event: OnEvent, *, train: Train | None = None) -> None:
        self.setup = setup
        self.trace = Trace()
        self.unheard: BaseException | None = None
        self._on_event = on_event
        train = train or setup.make_engine()
        if setup.protocol is not None and setup.has("finish"):
            train = Finishing(train, setup.protocol)
        roster = Roster(setup)
        self.office = TicketOffice(train)
        self.transport = Transport(setup.network, setup.seed, self.emit)
        self.adversary = Adversary(setup, self.office, self.emit)
        self.meter = PrivacyMeter(setup)
        self.clients = Clients(setup, roster, self.office, self.transport, self.adversary, self.meter, self.emit)
        self.server = Server(setup, roster, self.office, self.transport, self.meter, self.emit)
        self.transport.connect("down", self.clients.receive)
        self.transport.connect("up", self.server.receive)

    def emit(
        self,
        kind: EventKind,
        *,
        client: ClientId | None = None,
        task: int | None = None,
        version: int | None = None,
        value: float | None = None,
        detail: str = "",
    ) -> None:
        """Record an event at the present time."""
        trace, state = self.trace, self.server.state
        version = state.version if version is None else version
        # As `Event(...)` at half of its cost, which an update pays five times.
        event = tuple.__new__(Event, (trace.count, now(), kind, state.round, version, client, task, value, detail))
        trace.extend(event)
        try:
            self._on_event(event)
        except BaseException as error:
            self.unheard = error
            raise

    def snapshot(self, now: Seconds) -> dict[str, Any]:
        """Everything that determines the future, as nested plain data with tensors; `restore` takes it back."""
        office, transport, clients = self.office, self.transport, self.clients
        return {
            "now": now,
            "trace": (self.trace.head, self.trace.count),
            "server": _server_state(self.server),
            "inbox": [(client, _message_out(message)) for client, message in self.server.inbox.items],
            "tickets": {k: (t.client, t.task, t.origin, t.start, t.round) for k, t in office.tickets.items()},
            "waiting": sorted(office.waiting),
            "results": {k: (r.update, r.examples, r.steps, r.loss) for k, r in office.results.items()},
            "holders": dict(office.holders),
            "training": (office.passes, office.computed),
            "parcels": [p._replace(message=_message_out(p.message)) for p in transport.under_way.values()],
            "sent": transport.sent,
            "count": transport.count,
            "active": [_activity_out(activity) for activity in clients.active.values()],
            "newest": clients.newest,
            "models": clients.models,
            "answers": {task: told._asdict() for task, told in self.adversary.answers.items()},
            "failures": self.adversary.failures,
            "deviations": self.adversary.deviations,
            "states": self.adversary.states,
            "received": self.adversary.received,
            "released": self.meter.released,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up a snapshot. Called on the running loop, at the snapshot's time, before any actor starts."""
        office, transport, clients = self.office, self.transport, self.clients
        self.trace = Trace(*saved["trace"])
        read = _reader(() if self.setup.protocol is None else self.setup.protocol.reports)
        _restore_server(self.server, saved["server"], read)
        self.server.inbox.items.extend((client, read(message)) for client, message in saved["inbox"])
        office.tickets = {k: Ticket(*t) for k, t in saved["tickets"].items()}
        office.results = {k: LocalResult(*r) for k, r in saved["results"].items()}
        office.untrained = {k: ticket for k, ticket in office.tickets.items() if k not in office.results}
        office.waiting = set(saved["waiting"])
        office.holders = saved["holders"]
        office.passes, office.computed = saved["training"]
        transport.sent, transport.count = saved["sent"], saved["count"]
        clients.newest, clients.models = saved["newest"], saved["models"]
        self.adversary.answers = {task: Instruction(**told) for task, told in saved["answers"].items()}
        self.adversary.failures, self.adversary.states = saved["failures"], saved["states"]
        self.adversary.received = saved["received"]
        self.adversary.deviations = saved["deviations"]
        self.meter.released = saved["released"]
        parcels = [Parcel(*p) for p in saved["parcels"]]
        busy = [Activity(*a) for a in saved["active"]]
        pending: list[Parcel | Activity] = [
            *(p._replace(message=read(p.message)) for p in parcels),
            *(_activity_in(a, read) for a in busy),
        ]
        for item in sorted(pending, key=lambda i: i.number):
            if isinstance(item, Parcel):
                transport.carry(item)
            else:
                clients.pursue(item)


def _message_out(message: Payload) -> Any:
    return message if isinstance(message, bytes) else fields_of(message)


def _reader(reports: Sequence[type[Report]]) -> Callable[[Any], Any]:
    """What makes a message again of what `_message_out` made of one."""
    kinds = kinds_of(reports)

    def read(saved: Any) -> Any:
        return saved if isinstance(saved, bytes) else checked(saved, kinds)

    return read


def _activity_out(activity: Activity) -> Any:
    told: Any = activity.instruction and activity.instruction._asdict()
    return activity._replace(invitation=_message_out(activity.invitation), instruction=told)


def _activity_in(saved: Activity, read: Callable[[Any], Any]) -> Activity:
    told: Any = saved.instruction
    return saved._replace(invitation=read(saved.invitation), instruction=told and Instruction(**told))


def _server_state(server: Server) -> dict[str, Any]:
    state = {f.name: getattr(server.state, f.name) for f in fields(server.state)}
    state["ledger"] = {
        "open": list(server.state.ledger.open.values()),
        "states": bytes(server.state.ledger.states),
    }
    state["buffer"] = [(*a[:-1], [_message_out(r) for r in a.reports]) for a in server.state.buffer]
    state["reports"] = {t: [_message_out(r) for r in told.values()] for t, told in server.state.reports.items()}
    return state


def _restore_server(server: Server, saved: dict[str, Any], read: Callable[[Any], Any]) -> None:
    ledger = Ledger(
        open={task.task: task for task in (Task(*t) for t in saved["ledger"]["open"])},
        states=bytearray(saved["ledger"]["states"]),
    )
    accepted = [Accepted(*a) for a in saved["buffer"]]
    buffer = [a._replace(reports=tuple(read(r) for r in a.reports)) for a in accepted]
    reports = {t: {r.kind: r for r in map(read, told)} for t, told in saved["reports"].items()}
    fallback = None if saved["fallback"] is None else Basis(*saved["fallback"])
    known = {"ledger": ledger, "buffer": buffer, "reports": reports, "fallback": fallback}
    server.state = ServerState(**{**saved, **known})
