"""FedBuff and FedAsync at work. In most tests a script answers for the clients, and every moment is under control."""

import anyio
import pytest
import torch

from fedprop.errors import RunFailed
from fedprop.simulation.engine import simulate
from fedprop.simulation.policies import asynchronous
from fedprop.training import LocalResult

SPREAD = {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}
OUTAGES = {"up": {"kind": "exponential", "mean": 6}, "down": {"kind": "exponential", "mean": 2}}


def fedbuff(**settings):
    return {"kind": "fedbuff", "concurrency": 4, "buffer": 2, **settings}


def fedasync(**settings):
    return {"kind": "fedasync", "concurrency": 4, **settings}


def reply(world, log, answer, invitation, value=0.0):
    """Let the client that got an invitation answer it."""
    client = next(event.client for event in log.of("invited") if event.task == invitation.task)
    world.server.receive(client, answer(client, invitation, value))


def test_fedbuff_aggregates_when_the_buffer_is_full(drive, log, answer):
    async def script(world, invitations):
        assert len(invitations) == 4
        for task in range(4):
            reply(world, log, answer, invitations[task])
            await anyio.sleep(1.0)

    drive(script, policy=fedbuff(buffer=2))
    assert [event.value for event in log.of("aggregated")] == [2.0, 2.0]
    assert len(log.of("invited")) == 8  # every answer frees a slot
    assert [event.value for event in log.of("accepted")] == [0.0, 0.0, 1.0, 1.0]


def test_fedbuff_discounts_stale_updates(drive, log, answer):
    """Nguyen et al. 2022, Algorithm 1: the mean over the buffer of s(tau) * update, with s(1) = 1/2 here."""

    async def script(world, invitations):
        start = world.server.state.parameters
        for task in (0, 1):
            reply(world, log, answer, invitations[task], 4.0)
        await anyio.sleep(1.0)
        torch.testing.assert_close(world.server.state.parameters, start + 4.0)
        for task in (2, 5):
            reply(world, log, answer, invitations[task], 4.0)
        await anyio.sleep(1.0)
        staleness = [event.value for event in log.of("accepted")]
        assert staleness == [0.0, 0.0, 1.0, 0.0]
        torch.testing.assert_close(world.server.state.parameters, start + 4.0 + (4.0 * 0.5 + 4.0) / 2)

    drive(script, policy=fedbuff(staleness={"kind": "polynomial", "a": 1.0}))
    assert len(log.rounds) == 2


def test_the_rate_is_that_of_the_round_a_task_was_given_out_in(configure, log):
    tickets = []
    setting = {"lr_schedule": {"kind": "step", "every": 1, "shrink": 0.5}}

    def train(given):
        tickets.extend(given)
        return [LocalResult(torch.zeros_like(t.origin), 6, 1, 0.0) for t in given]

    simulate(configure(policy=fedbuff(), training=setting, compute=SPREAD, rounds=4), log, train=train)
    invited = {event.task: event.round for event in log.of("invited")}
    assert {ticket.task: ticket.round for ticket in tickets} == {t.task: invited[t.task] for t in tickets}
    assert {ticket.round for ticket in tickets} > {0, 1}


def test_an_update_that_is_too_stale_is_refused_and_frees_its_slot(drive, log, answer):
    async def script(world, invitations):
        for task in (0, 1):
            reply(world, log, answer, invitations[task])
        await anyio.sleep(1.0)
        before = len(log.of("invited"))
        reply(world, log, answer, invitations[2])
        await anyio.sleep(1.0)
        assert len(log.of("invited")) == before + 1

    drive(script, policy=fedbuff(max_staleness=0))
    assert log.reasons() == ["too stale"]


def test_a_timeout_frees_the_slot_for_somebody_else(drive, log, answer):
    async def script(world, invitations):
        await anyio.sleep(3.0)
        assert len(log.of("invited")) == 8
        reply(world, log, answer, invitations[0])

    drive(script, policy=fedbuff(timeout=2.5))
    assert [(event.time, event.task) for event in log.of("timed_out")] == [(2.5, task) for task in range(4)]
    assert log.of("invited")[4].time == 2.5
    assert log.reasons() == ["task timed out"]


def test_only_overdue_tasks_time_out(drive, log, answer):
    async def script(world, invitations):
        await anyio.sleep(0.8)
        reply(world, log, answer, invitations[0])
        await anyio.sleep(1.7)

    drive(script, policy=fedbuff(timeout=2.0))
    assert [event.task for event in log.of("timed_out")] == [1, 2, 3]


def test_fedbuff_keeps_its_clients_busy_through_faults(play, log):
    outcome = play(
        rounds=40,
        clients=10,
        policy=fedbuff(timeout=6.0, max_staleness=4),
        compute=SPREAD,
        faults={"dropout": 0.2, "outages": OUTAGES},
        network={"latency": 0.1, "loss": 0.1, "duplicate": 0.1},
    )
    assert outcome.rounds[-1].version == 40
    assert {str(e.kind) for e in log.events} >= {"timed_out", "crashed", "dropped", "lost", "duplicated", "unreachable"}
    assert max(event.value for event in log.of("accepted")) <= 4


def test_fedbuff_waits_when_nobody_is_up(play, log):
    play(rounds=2, clients=2, policy=fedbuff(concurrency=2, timeout=2.0), faults={"outages": {"up": 1.5, "down": 6}})
    assert {event.time for event in log.of("invited")} >= {0.0, 7.5}


def test_messages_that_come_during_aggregation_wait_their_turn(play, log):
    outcome = play(rounds=6, policy=fedbuff(), compute=SPREAD, aggregation_seconds=3.0)
    assert outcome.rounds[-1].version == 6
    assert any(e.time < a.time for e in log.of("arrived") for a in log.of("accepted") if e.task == a.task)


def test_a_run_that_cannot_progress_fails_with_a_sentence(play, monkeypatch):
    monkeypatch.setattr(asynchronous, "MAX_TASKS_PER_UPDATE", 50)
    with pytest.raises(RunFailed, match=r"round 0 came to no end: 50 tasks .*`policy.timeout` shorter than training"):
        play(policy=fedbuff(timeout=0.5))


def test_fedasync_mixes_models(drive, log, answer):
    """Xie et al. 2019, Algorithm 1: x <- (1 - alpha_t) x + alpha_t x_new, with alpha_t = alpha * s(tau)."""

    async def script(world, invitations):
        x0 = world.server.state.parameters
        reply(world, log, answer, invitations[0], 1.0)
        await anyio.sleep(1.0)
        x1 = 0.4 * x0 + 0.6 * (x0 + 1.0)
        torch.testing.assert_close(world.server.state.parameters, x1)
        reply(world, log, answer, invitations[1], 3.0)  # started from x0, one version ago
        await anyio.sleep(1.0)
        alpha = 0.6 * (1 + 1) ** -0.5
        torch.testing.assert_close(world.server.state.parameters, (1 - alpha) * x1 + alpha * (x0 + 3.0))

    policy = fedasync(concurrency=2, mixing=0.6, staleness={"kind": "polynomial", "a": 0.5})
    drive(script, policy=policy)
    assert [r.version for r in log.rounds] == [1, 2]


def test_fedasync_makes_a_version_of_every_update(play, log):
    outcome = play(rounds=12, policy=fedasync(), compute=SPREAD)
    assert [r.accepted for r in outcome.rounds] == [1] * 12
    assert [event.value for event in log.of("aggregated")] == [1.0] * 12
    assert max(event.value for event in log.of("accepted")) > 0


def test_fedasync_refuses_what_is_too_stale(play, log):
    play(rounds=12, policy=fedasync(max_staleness=1), compute=SPREAD)
    assert "too stale" in log.reasons()
