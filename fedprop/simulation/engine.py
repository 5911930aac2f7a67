"""Running a simulation from its first event, or from a snapshot, to its end."""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar

import anyio
import torch
from torch import Tensor

from fedprop.answers import described
from fedprop.clock import now, run
from fedprop.cores import one_thread
from fedprop.errors import FedpropError, RunFailed, Stalled, StoreError
from fedprop.failures import blamed, in_words
from fedprop.simulation.ending import End
from fedprop.simulation.events import Event, RoundRecord
from fedprop.simulation.examination import Grades
from fedprop.simulation.garbage import rarely_collecting
from fedprop.simulation.packing import pack, unpack
from fedprop.simulation.policies import Policy
from fedprop.simulation.records import RoundLog
from fedprop.simulation.server import Server
from fedprop.simulation.setup import Setup
from fedprop.simulation.state import ServerState
from fedprop.simulation.world import World
from fedprop.training.engine import EngineChoice
from fedprop.training.task import Train
from fedprop.types import ClientId, Seconds, Vector

T = TypeVar("T")

NO_STATE = "the saved state is not one that a simulation can go on from"


@dataclass
class Snapshot:
    """The state between two rounds, as JSON-ready data and the tensors it refers to."""

    state: Any
    tensors: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Moment:
    """The state of a run between two rounds: call it for a snapshot from which the run can go on.

    It is good until the next round begins.

    Attributes
    ----------
    compromised : the clients that the adversary holds.
    """

    _state: ServerState
    _take: Callable[[], Snapshot]
    compromised: frozenset[ClientId] = frozenset()

    @property
    def parameters(self) -> Vector:
        """A copy of the global model [d], laid out as `ParameterLayout` of the module has it."""
        return self._state.parameters.clone()

    def __call__(self) -> Snapshot:
        return self._take()


class Observer(Protocol):
    """Whoever wants to know what happens: a progress display, a store, a test.

    One that has a method `on_activity(what: str)` is also told what takes long while it lasts, in words; nothing of it
    is part of the trace.
    """

    def on_event(self, event: Event) -> None:
        """Something happened."""
        ...

    def on_round(self, record: RoundRecord, snapshot: Moment) -> str | None:
        """A round closed. `snapshot.parameters` is the global model, `snapshot()` what the run can go on from.

        Whoever answers with a text ends the run, for the reason that it names; None lets it go on.
        """
        ...


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a finished simulation leaves.

    Attributes
    ----------
    parameters : the last global model, flat.
    rounds : one record for each, read from a temporary file where they are many.
    trace_sha256 : the hash of all events; equal for equal seed and configuration.
    virtual_seconds, wall_seconds : simulated and real time.
    tickets_per_pass : how many clients trained together on average.
    attack_failures : how often each attack failed, by its place among those that hold clients, and how it did first.
    attack_deviations : in how many tasks each attack answered otherwise than an honest client, of those that answered.
    grades : how good the last global model is.
    end : what ended the run.
    engine : how clients trained; None if they were trained by something that `simulate` was handed.
    """

    parameters: Vector
    rounds: Sequence[RoundRecord]
    trace_sha256: str
    virtual_seconds: Seconds
    wall_seconds: float
    tickets_per_pass: float
    attack_failures: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    attack_deviations: Mapping[int, int] = field(default_factory=dict)
    grades: Grades = field(default_factory=Grades)
    end: End = field(default_factory=lambda: End("rounds"))
    engine: EngineChoice | None = None

    @property
    def test_accuracy(self) -> float:
        """The accuracy of the last global model on the test set, in [0, 1]."""
        return float("nan") if self.grades.accuracy is None else self.grades.accuracy

    @property
    def test_error(self) -> float:
        """1 - accuracy."""
        return 1.0 - self.test_accuracy


def simulate(
    setup: Setup,
    observer: Observer,
    *,
    resume: Snapshot | None = None,
    earlier: Iterable[RoundRecord] = (),
    train: Train | None = None,
) -> Outcome:
    """Run a simulation to its end in virtual time.

    Parameters
    ----------
    resume : the snapshot to go on from; None starts afresh.
    earlier : the records of the rounds before that snapshot.
    train : trains clients in place of the engine that `setup.training` asks for.

    Raises
    ------
    StoreError
        If `resume` is no such snapshot.
    RunFailed
        If every actor waits for another and nothing more can happen, or a round comes to no end.
    """
    records = RoundLog(earlier)
    began = time.perf_counter() - (records[-1].wall_seconds if records else 0.0)
    saved, start = (None, 0.0) if resume is None else _unpack(resume, setup.device)
    heard = _Heard(observer, records, began)
    world, ended = _run(partial(_played, setup, heard, saved, train), start)
    return Outcome(
        parameters=world.server.state.parameters,
        rounds=records,
        trace_sha256=world.trace.head,
        virtual_seconds=ended,
        wall_seconds=time.perf_counter() - began,
        tickets_per_pass=world.office.computed / max(1, world.office.passes),
        attack_failures=dict(world.adversary.failures),
        attack_deviations=dict(world.adversary.deviations),
        grades=_grades(world.server, records[-1]),
        end=world.server.ended or End("rounds"),
        engine=setup.engine if train is None else None,
    )


async def _played(setup: Setup, heard: "_Heard", saved: Any, train: Train | None) -> tuple[World, Seconds]:
    """The world after the last round, and the time there."""
    with one_thread(), torch.enable_grad():
        world = World(setup, heard.on_event, train=train)
        async with anyio.create_task_group() as tasks:
            world.clients.start(tasks)
            if saved is not None:
                with blamed(NO_STATE, raising=StoreError):
                    world.restore(saved)
            tasks.start_soon(world.adversary.run)
            world.server.on_round = partial(heard.on_round, world)
            world.adversary.announce = heard.on_activity
            await _play(setup.policy, world, heard)
            tasks.cancel_scope.cancel()
        return world, now()


class _Heard:
    """Hands all but events on to an observer, and keeps what goes wrong there: it is no fault of whoever told it."""

    def __init__(self, observer: Observer, records: RoundLog, began: float) -> None:
        self.error: BaseException | None = None
        self.on_event = observer.on_event
        self._observer = observer
        self._records = records
        self._began = began

    def on_round(self, world: World, record: RoundRecord) -> str:
        """Add a round to the records, with the time that it took, and tell of it."""
        timed, moment = replace(record, wall_seconds=time.perf_counter() - self._began), now()
        self._records.append(timed)
        with self._noting():
            state = Moment(world.server.state, lambda: _snapshot(world, moment), world.server.setup.compromised)
            return wish(self._observer, timed, state)

    def on_activity(self, what: str) -> None:
        tell_activity(self._observer, what)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.error = error
            raise


def tell_activity(observer: Observer, what: str) -> None:
    """Tell an observer what takes long, if it wants to know."""
    tell = getattr(observer, "on_activity", None)
    if tell is not None:
        tell(what)


def wish(observer: Observer, record: RoundRecord, snapshot: Moment) -> str:
    """Tell an observer of a round; why it wants the run to end, empty if it does not.

    Raises
    ------
    RunFailed
        If it answers with anything but a text or None.
    """
    answer: object = observer.on_round(record, snapshot)
    if isinstance(answer, str | None):
        return answer or ""
    name = f"the watcher {type(observer).__name__}"
    raise RunFailed(f"{name} must answer with a text, to end the run, or with None; found {described(answer)}")


def _grades(server: Server, record: RoundRecord) -> Grades:
    """How good the model is that the last round left; a run that a watcher ends may not have asked yet."""
    if record.accuracy is None:
        return server.examine(record.round)
    return Grades(record.accuracy, record.loss, record.numbers)


async def _play(policy: Policy, world: World, heard: _Heard) -> None:
    """Play all rounds; an error of the policy itself comes out as a sentence."""
    server = world.server
    try:
        await policy.run(server)
    except FedpropError:
        raise
    except (Exception, SystemExit) as error:
        if error in (heard.error, world.unheard):
            raise
        raise RunFailed(f"policy {policy.kind} failed in round {server.state.round}: {in_words(error)}") from error
    if server.ended is None:
        done, wanted = server.state.round, server.setup.rounds
        raise RunFailed(
            f"policy {policy.kind} must play while `server.open_round()` opens a round; it came to an end of its own "
            f"after {done} of {wanted} rounds"
        )


def _run(main: Callable[[], Awaitable[T]], start: Seconds) -> T:
    """Run in virtual time; an error of one actor comes out as itself, not as a group of one."""
    try:
        with rarely_collecting():
            return run(main, start=start)
    except Stalled as error:
        raise RunFailed(
            "the simulation stands still: the server waits for a message that will never come; "
            "give the policy a deadline or timeout"
        ) from error
    except BaseExceptionGroup as group:
        sole = _sole(group)
        raise sole from sole.__cause__


def _sole(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _unpack(snapshot: Snapshot, device: torch.device) -> tuple[Any, Seconds]:
    """A saved state, and its simulated time."""
    with blamed(NO_STATE, raising=StoreError):
        saved = unpack(snapshot.state, {name: tensor.to(device) for name, tensor in snapshot.tensors.items()})
        return saved, float(saved["now"])


def _snapshot(world: World, now: Seconds) -> Snapshot:
    snapshot = Snapshot(None)
    try:
        snapshot.state = pack(world.snapshot(now), snapshot.tensors)
    except TypeError as error:  # what a rule, a protocol or an optimizer of one's own remembers may be anything
        raise RunFailed(
            f"{error}: what rule {world.setup.rule.kind} and others remember must be plain data "
            "(None, numbers, text, tensors, and tuples, lists and mappings of these), or `checkpoint_every` 0"
        ) from error
    return snapshot
