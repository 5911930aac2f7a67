"""The server's own work: whom it invites, what it admits, and how it moves the global model."""

import math
from typing import ClassVar

import anyio
import pytest
import torch
from scipy.stats import chisquare

from fedprop import clock
from fedprop.aggregators import Aggregation, Aggregator
from fedprop.attacks import Attack
from fedprop.messages import Invitation, encode
from fedprop.simulation.ledger import TaskState
from fedprop.simulation.world import World


class Hostile(Attack):
    """Sends whatever `payload` makes of the honest rows."""

    malformed: ClassVar[bool] = True
    kind: str = "hostile"
    payload: str

    def craft(self, view):
        rows = view.own
        return {
            "nan": torch.full_like(rows, math.nan),
            "infinite": torch.full_like(rows, math.inf),
            "short": rows[:, 1:],
            "long": torch.cat([rows, rows], dim=1),
            "square": rows[:, None, :],
            "double": rows.double(),
            "half": rows.half(),
            "integer": rows.long(),
        }[self.payload]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("nan", "NaN or infinity"),
        ("infinite", "NaN or infinity"),
        ("short", "wrong shape"),
        ("long", "oversized"),
        ("square", "wrong shape"),
        ("double", "wrong dtype"),
        ("half", "wrong dtype"),
        ("integer", "wrong dtype"),
    ],
)
def test_bad_updates_are_refused_and_the_round_goes_on(play, log, payload, reason):
    outcome = play(rounds=2, attack=Hostile(share=0.5, payload=payload))
    assert log.reasons() == [reason] * 6
    assert [(r.accepted, r.rejected, r.failure) for r in outcome.rounds] == [(3, 3, ""), (3, 3, "")]
    assert outcome.parameters.isfinite().all()
    assert outcome.rounds[-1].version == 2


class Enormous(Attack):
    kind: str = "enormous"

    def craft(self, view):
        return torch.full_like(view.own, 3e38)


def test_a_global_model_that_is_not_finite_is_never_made(play, log):
    outcome = play(rounds=2, attack=Enormous(share=0.7), optimizer={"kind": "fedavg", "lr": 2.0})
    assert [r.version for r in outcome.rounds] == [0, 0]
    assert "must be finite" in outcome.rounds[0].failure
    assert [event.detail for event in log.of("round_failed")] == [r.failure for r in outcome.rounds]
    assert outcome.parameters.isfinite().all()
    assert outcome.rounds[0].weights == {}


def test_a_robust_rule_survives_enormous_updates(play):
    outcome = play(rounds=2, attack=Enormous(share=0.3), defense="median")
    assert [r.version for r in outcome.rounds] == [1, 2]


FORGERIES = {
    "unknown client": {"client": 99},
    "wrong sender": {"client": 1},
    "unknown task": {"task": 1000},
    "wrong version": {"version": 7},
    "invalid number of examples": {"examples": 0},
    "invalid number of steps": {"steps": 0},
}


@pytest.mark.parametrize("reason", FORGERIES)
def test_forged_messages_are_refused(drive, log, answer, reason):
    async def script(world, invitations):
        world.server.receive(0, answer(0, invitations[0], **FORGERIES[reason]))

    world = drive(script)
    assert log.reasons() == [reason]
    [event] = log.of("rejected")
    assert event.client == 0
    assert world.server.state.rejected == 1


def test_a_client_cannot_answer_for_another_ones_task(drive, log, answer):
    async def script(world, invitations):
        world.server.receive(0, answer(0, invitations[1]))

    world = drive(script)
    assert log.reasons() == ["wrong sender"]
    assert world.server.state.ledger.state(1) is TaskState.OPEN


@pytest.mark.parametrize("junk", [b"", b"junk", b"\xff" * 100, b"x" * 200_000])
def test_raw_bytes_are_malformed(drive, log, junk):
    async def script(world, invitations):
        world.server.receive(2, junk)

    drive(script)
    assert log.reasons() == ["malformed"]
    assert log.of("arrived")[0].task is None


def test_bytes_in_wire_form_are_a_message(drive, log, answer):
    async def script(world, invitations):
        world.server.receive(2, encode(answer(2, invitations[2])))

    drive(script)
    assert log.clients("accepted") == [2]


def test_an_invitation_is_no_answer(drive, log):
    async def script(world, invitations):
        world.server.receive(2, invitations[2])

    drive(script)
    assert log.reasons() == ["malformed"]


def test_a_second_answer_is_a_duplicate_whatever_became_of_the_first(drive, log, answer):
    async def script(world, invitations):
        world.server.receive(0, answer(0, invitations[0]))
        world.server.receive(0, answer(0, invitations[0]))
        world.server.receive(1, answer(1, invitations[1], math.nan))
        world.server.receive(1, answer(1, invitations[1]))

    drive(script)
    assert log.clients("accepted") == [0]
    assert log.reasons() == ["duplicate", "NaN or infinity", "duplicate"]


def on_the_clock(configure, log, script, **settings):
    setup = configure(**settings)

    async def main():
        return await script(World(setup, log.on_event))

    return clock.run(main)


def test_sampling_is_uniform_and_without_repetition(configure, log):
    counts = torch.zeros(8)

    async def script(world):
        for _ in range(400):
            chosen = world.server.sample(3)
            assert len(set(chosen)) == 3
            assert chosen == sorted(chosen)
            counts[chosen] += 1
            for client in chosen:  # each draw has a stream of its own, named by the tasks given out so far
                task = world.server.state.ledger.issue(client, 0, 0, world.server.state.parameters, 0.0)
                world.server.state.ledger.end(task.task, TaskState.CLOSED)

    on_the_clock(configure, log, script, clients=8)
    assert chisquare(counts.numpy()).pvalue > 1e-3


def test_sampling_leaves_out_the_busy_and_takes_all_if_there_are_too_few(configure, log):
    async def script(world):
        world.server.invite([1, 4])
        assert world.server.available() == [0, 2, 3, 5]
        assert world.server.sample(9) == [0, 2, 3, 5]
        assert world.server.sample(0) == []

    on_the_clock(configure, log, script)


def test_sampling_leaves_out_clients_that_are_down(configure, log):
    async def script(world):
        await anyio.sleep(1.5)
        assert world.server.available() == []
        await world.server.wait_for_a_client()
        assert anyio.current_time() == 3.0
        assert len(world.server.available()) == 6

    on_the_clock(
        configure, log, script, faults={"outages": {"up": 1, "down": 2}}, policy={"kind": "synchronous", "deadline": 9}
    )


def test_a_lost_invitation_frees_its_ticket_but_not_its_task(configure, log):
    async def script(world):
        world.server.invite([0])
        return world

    policy = {"kind": "synchronous", "deadline": 9}
    world = on_the_clock(configure, log, script, network={"loss": 0.999999}, policy=policy)
    assert [str(event.kind) for event in log.events] == ["invited", "lost"]
    assert log.events[1].detail == "downlink"
    assert world.office.holders == {0: ("server",)}
    assert world.server.state.ledger.busy == {0}


class Last(Aggregator):
    """Takes the update of the client with the highest id, and remembers how often it was asked."""

    kind: str = "last"

    def init(self):
        return {"calls": torch.zeros(())}

    def combine(self, cohort, state):
        chosen = max(range(len(cohort.clients)), key=lambda i: cohort.clients[i])
        weights = torch.zeros(len(cohort.updates)).index_fill(0, torch.tensor(chosen), 1.0)
        return Aggregation(cohort.updates[chosen], weights, {"calls": state["calls"] + 1})


def test_memory_weights_and_digest(drive, log, answer):
    async def script(world, invitations):
        world.start = invitations[0].parameters
        for client in (5, 3, 0, 1, 2, 4):
            world.server.receive(client, answer(client, invitations[client], float(client)))

    world = drive(script, defense=Last())
    [record] = log.rounds
    assert record.weights == {5: 1.0, 3: 0.0, 0: 0.0, 1: 0.0, 2: 0.0, 4: 0.0}
    state = world.server.state
    assert state.memory["calls"] == 1
    torch.testing.assert_close(state.parameters, world.start + 5.0)
    [event] = log.of("aggregated")
    assert (event.value, event.version, event.detail) == (6.0, 1, world.server.digest())


def test_the_mean_moves_the_global_model(drive, log, answer):
    async def script(world, invitations):
        world.start = invitations[0].parameters
        for client in range(6):
            world.server.receive(client, answer(client, invitations[client], float(client)))

    world = drive(script, optimizer={"kind": "fedavg", "lr": 2.0})
    torch.testing.assert_close(world.server.state.parameters, world.start + 2.0 * 2.5)


def test_one_clients_weights_add_up(configure, log, answer):
    """With asynchronous aggregation one client may have several updates in a batch."""
    policy = {"kind": "fedbuff", "concurrency": 1, "buffer": 2}

    async def script(world):
        server, batch = world.server, []
        assert server.open_round()
        for _ in range(2):
            server.invite([0])
            [task] = server.state.ledger.open.values()
            invitation = Invitation(task=task.task, round=0, version=0, parameters=task.origin)
            batch.append(server.judge(0, answer(0, invitation, 1.0)))
        server.on_round = log.rounds.append
        await server.aggregate(batch)

    on_the_clock(configure, log, script, policy=policy)
    [record] = log.rounds
    assert record.weights == {0: pytest.approx(1.0)}
    assert isinstance(record.weights[0], float)


def test_before_its_round_the_defense_is_the_mean(play, log):
    settings = {"rounds": 3, "attack": {"kind": "sign_flip", "z": 50.0}}
    for defense, start in (("mean", 0), ("median", 0), ("median", 2)):
        play(**settings, defense=defense, defense_from=start)
    digests = [event.detail for event in log.of("aggregated")]
    mean, median, late = digests[:3], digests[3:6], digests[6:]
    assert late[:2] == mean[:2] != median[:2]
    assert late[2] not in (mean[2], median[2])
