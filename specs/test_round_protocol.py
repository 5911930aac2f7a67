"""The round protocol: what the server does with every message, under every policy.

Theorem. For any sequence of messages (answers to invitations, copies, forgeries, junk) and any passage of time:

1. every accepted update is aggregated exactly once, unless its round fails, and then never;
2. no update is accepted after its round closed (synchronous) or after its task was given up;
3. the staleness of an accepted update never exceeds the policy's maximum;
4. versions increase, by one with every aggregation and never otherwise;
5. every message that arrives is either accepted or rejected with a reason, once.

Sources: McMahan et al. 2017 (synchronous rounds), Bonawitz et al. 2019 (over-selection and deadlines), Nguyen et al.
2022 (FedBuff), Xie et al. 2019 (FedAsync).

Sketch. A task has one state; only `open` leads to `accepted`; accepted updates enter the batch (or buffer) at that
moment, and batch and buffer are emptied exactly when they are aggregated.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import torch
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from worlds import Log, setup_of

from fedprop.clock import VirtualTimeLoop
from fedprop.experiments.experiment import Experiment
from fedprop.messages import Invitation, Reason, Update
from fedprop.simulation.events import EventKind
from fedprop.simulation.ledger import Accepted
from fedprop.simulation.policies import FedAsync, FedBuff, Policy, Synchronous
from fedprop.simulation.server import Server
from fedprop.simulation.world import World

CLIENTS = 6

policies = st.one_of(
    st.builds(
        Synchronous,
        cohort=st.integers(2, 5),
        over_selection=st.sampled_from([1.0, 1.4]),
        deadline=st.sampled_from([None, 3.0]),
        min_updates=st.integers(1, 2),
    ),
    st.builds(
        FedBuff,
        concurrency=st.integers(2, 5),
        buffer=st.integers(1, 4),
        timeout=st.sampled_from([None, 4.0]),
        max_staleness=st.sampled_from([None, 0, 1]),
    ),
    st.builds(FedAsync, concurrency=st.integers(1, 4), max_staleness=st.sampled_from([None, 1])),
)


class Watched(World):
    """A world without clients or adversary: the machine answers in their place."""

    def __init__(self, experiment: Experiment, log: Log) -> None:
        super().__init__(setup_of(experiment), log.on_event)
        self.invitations: list[tuple[int, Invitation]] = []
        self.used: list[int] = []
        self.transport.connect("down", self._note)
        self._aggregate = self.server.aggregate
        self.server.aggregate = self._watch  # type: ignore[method-assign]

    def _note(self, client: int, message: object) -> None:
        assert isinstance(message, Invitation)
        self.invitations.append((client, message))

    async def _watch(self, batch: Sequence[Accepted]) -> None:
        self.used += [item.task for item in batch]
        await self._aggregate(batch)


class RoundProtocol(RuleBasedStateMachine):
    """Plays network and clients against the real server, on the real clock."""

    @initialize(policy=policies, seed=st.integers(0, 100))
    def start(self, policy: Policy, seed: int) -> None:
        self.policy = policy
        self.log = Log()
        self.random = random.Random(seed)
        self.delivered = 0
        self.loop = VirtualTimeLoop()
        experiment = Experiment(
            rounds=1000,
            clients=CLIENTS,
            model="logistic_regression",
            policy=policy,
            network={"latency": 0.0},
            seed=seed,
        )
        self.world = self._do(self._build(experiment))
        self.task = self.loop.create_task(policy.run(self.world.server))  # type: ignore[arg-type]
        self._settle()

    async def _build(self, experiment: Experiment) -> Watched:
        return Watched(experiment, self.log)

    def _do(self, coroutine: object) -> Watched:
        return self.loop.run_until_complete(coroutine)  # type: ignore[arg-type, return-value]

    def _settle(self, seconds: float = 1e-6) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))
        assert not self.task.done(), self.task.exception()

    def _answer(self, sender: int, invitation: Invitation, **changes: object) -> Update:
        size = self.world.server.layout.size
        fields: dict[str, object] = {
            "client": sender,
            "task": invitation.task,
            "version": invitation.version,
            "update": torch.full((size,), 1e-3 * (1 + invitation.task % 7)),
            "examples": 3,
        }
        return Update(**{**fields, **changes})  # type: ignore[arg-type]

    def _deliver(self, sender: int, message: Update | Invitation | bytes) -> None:
        async def put() -> None:
            self.world.server.receive(sender, message)

        self.delivered += 1
        self.loop.run_until_complete(put())
        self._settle()

    @property
    def _server(self) -> Server:
        return self.world.server

    @rule(pick=st.integers(0, 10**6))
    @precondition(lambda self: self.world.invitations)
    def answer(self, pick: int) -> None:
        """Any invitation ever sent is answered: new ones, answered ones, closed ones."""
        recent = self.world.invitations[-12:]
        client, invitation = recent[pick % len(recent)]
        self._deliver(client, self._answer(client, invitation))

    @rule()
    def answer_all(self) -> None:
        """Every open task is answered, in random order, so that rounds complete."""
        open_ = list(self._server.state.ledger.open)
        self.random.shuffle(open_)
        wanted = {invitation.task: (client, invitation) for client, invitation in self.world.invitations}
        for task in open_:
            client, invitation = wanted[task]
            self._deliver(client, self._answer(client, invitation))

    @rule(pick=st.integers(0, 10**6), kind=st.integers(0, 9))
    @precondition(lambda self: self.world.invitations)
    def misbehave(self, pick: int, kind: int) -> None:
        """A wrong answer of every kind."""
        client, invitation = self.world.invitations[-1 - pick % min(8, len(self.world.invitations))]
        size = self._server.layout.size
        changes: list[dict[str, object]] = [
            {"update": torch.full((size,), float("nan"))},
            {"update": torch.zeros(size - 1)},
            {"update": torch.zeros(size + 1)},
            {"update": torch.zeros(size, dtype=torch.float64)},
            {"examples": -5},
            {"steps": 0},
            {"version": invitation.version + 1},
            {"task": 10**6},
            {"client": CLIENTS + 3},
            {"client": (client + 1) % CLIENTS},
        ]
        self._deliver(client, self._answer(client, invitation, **changes[kind]))

    @rule(junk=st.binary(max_size=40), sender=st.integers(0, CLIENTS - 1))
    def send_junk(self, junk: bytes, sender: int) -> None:
        self._deliver(sender, junk)

    @rule(seconds=st.sampled_from([0.5, 2.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self._settle(seconds)

    @invariant()
    def each_message_is_judged_once(self) -> None:
        if hasattr(self, "world"):
            kinds = Counter(e.kind for e in self.log.events)
            assert kinds[EventKind.ARRIVED] == self.delivered
            assert kinds[EventKind.ACCEPTED] + kinds[EventKind.REJECTED] == self.delivered
            reasons = {e.detail for e in self.log.events if e.kind is EventKind.REJECTED}
            assert reasons <= {reason.value for reason in Reason}

    @invariant()
    def each_accepted_update_is_used_exactly_once(self) -> None:
        if not hasattr(self, "world"):
            return
        accepted = [e.task for e in self.log.events if e.kind is EventKind.ACCEPTED]
        assert len(set(accepted)) == len(accepted)
        assert len(set(self.world.used)) == len(self.world.used)
        pending = {a.task for a in self._server.state.buffer}
        lost = set(accepted) - set(self.world.used) - pending
        current = {
            e.task for e in self.log.events if e.kind is EventKind.ACCEPTED and e.round == self._server.state.round
        }
        failed = {e.round for e in self.log.events if e.kind is EventKind.ROUND_FAILED}
        in_failed = {e.task for e in self.log.events if e.kind is EventKind.ACCEPTED and e.round in failed}
        assert set(self.world.used) <= set(accepted)
        if self.policy.synchronous:
            assert lost <= current | in_failed
        else:
            assert not lost

    @invariant()
    def nothing_is_accepted_after_its_round(self) -> None:
        if hasattr(self, "world") and self.policy.synchronous:
            invited = {e.task: e.round for e in self.log.events if e.kind is EventKind.INVITED}
            for event in self.log.events:
                if event.kind is EventKind.ACCEPTED:
                    assert event.task is not None
                    assert event.round == invited[event.task]

    @invariant()
    def staleness_is_bounded(self) -> None:
        limit = getattr(self.policy, "max_staleness", None) if hasattr(self, "policy") else None
        if limit is not None:
            assert all((e.value or 0) <= limit for e in self.log.events if e.kind is EventKind.ACCEPTED)

    @invariant()
    def versions_count_aggregations(self) -> None:
        if hasattr(self, "world"):
            versions = [e.version for e in self.log.events if e.kind is EventKind.AGGREGATED]
            assert versions == list(range(1, len(versions) + 1))
            assert self._server.state.version == len(versions)

    def teardown(self) -> None:
        if hasattr(self, "task"):
            self.task.cancel()
            self.loop.run_until_complete(asyncio.gather(self.task, return_exceptions=True))
            self.loop.close()


TestRoundProtocol = RoundProtocol.TestCase
