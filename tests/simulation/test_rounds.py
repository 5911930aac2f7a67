"""The server's loops. In most tests a script answers for the clients, so that every moment is under control."""

import math
from itertools import pairwise

import anyio
import pytest
import torch

from fedprop.errors import RunFailed
from fedprop.network import Faults
from fedprop.simulation import rounds
from fedprop.simulation.engine import simulate
from fedprop.simulation.packing import unpack
from fedprop.simulation.policies import Synchronous
from fedprop.training import LocalResult

SPREAD = {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}
OUTAGES = {"up": {"kind": "exponential", "mean": 6}, "down": {"kind": "exponential", "mean": 2}}


def synchronous(**settings):
    return {"kind": "synchronous", **settings}


def fedbuff(**settings):
    return {"kind": "fedbuff", "concurrency": 4, "buffer": 2, **settings}


def fedasync(**settings):
    return {"kind": "fedasync", "concurrency": 4, **settings}


def reply(world, log, answer, invitation, value=0.0):
    """Let the client that got an invitation answer it."""
    client = next(event.client for event in log.of("invited") if event.task == invitation.task)
    world.server.receive(client, answer(client, invitation, value))


# Synchronous


def test_everybody_takes_part_in_every_round(play, log):
    outcome = play()
    assert [(r.round, r.version, r.accepted, r.rejected) for r in outcome.rounds] == [
        (0, 1, 6, 0),
        (1, 2, 6, 0),
        (2, 3, 6, 0),
    ]
    assert log.clients("invited") == [*range(6)] * 3
    # One second of training, and a tenth each way.
    assert [r.time for r in outcome.rounds] == pytest.approx([1.2, 2.4, 3.6])


def test_a_cohort_is_drawn_anew_for_every_round(play, log):
    play(rounds=8, clients=12, policy=synchronous(cohort=4))
    cohorts = [tuple(e.client for e in log.of("invited") if e.round == r) for r in range(8)]
    assert all(len(set(cohort)) == 4 for cohort in cohorts)
    assert len(set(cohorts)) > 4


def test_over_selection_takes_the_first_and_refuses_the_rest(play, log):
    outcome = play(rounds=4, clients=12, policy=synchronous(cohort=4, over_selection=1.5), compute=SPREAD)
    assert len(log.of("invited")) == 4 * 6
    assert [r.accepted for r in outcome.rounds] == [4] * 4
    late = [e for e in log.of("rejected") if e.detail == "round closed"]
    assert late
    invited = {e.task: e.round for e in log.of("invited")}
    assert all(invited[e.task] < e.round for e in late)
    assert all(invited[e.task] == e.round for e in log.of("accepted"))


def test_over_selection_is_exact_in_spite_of_binary_fractions(play, log):
    play(rounds=1, clients=12, policy=synchronous(cohort=10, over_selection=1.1))
    assert len(log.of("invited")) == 11
    assert Synchronous(cohort=10, over_selection=1.11).invited(10) == 12


def test_a_deadline_closes_the_round_with_what_is_there(drive, log, answer):
    async def script(world, invitations):
        for client in (0, 2):
            world.server.receive(client, answer(client, invitations[client], 1.0))
        await anyio.sleep(5)
        world.server.receive(1, answer(1, invitations[1], 1.0))

    drive(script, policy=synchronous(deadline=4.0))
    assert (log.rounds[0].time, log.rounds[0].accepted, log.rounds[0].failure) == (4.0, 2, "")
    assert log.of("aggregated")[0].value == 2.0
    assert log.reasons() == ["round closed"]


def test_too_few_updates_fail_the_round_and_keep_the_version(drive, log, answer):
    async def script(world, invitations):
        world.start = world.server.state.parameters
        world.server.receive(0, answer(0, invitations[0], 1.0))
        await anyio.sleep(5)
        for client in range(6):
            world.server.receive(client, answer(client, invitations[6 + client], 1.0))

    world = drive(script, policy=synchronous(deadline=4.0, min_updates=2))
    first, second = log.rounds
    assert (first.version, first.accepted, first.weights) == (0, 1, {})
    assert first.failure == "`min_updates` = 2 must be reached in a round; found 1"
    assert [e.detail for e in log.of("round_failed")] == [first.failure]
    assert (second.version, second.failure) == (1, "")
    torch.testing.assert_close(world.server.state.parameters, world.start + 1.0)  # what failed is not used later
    assert {e.round for e in log.of("aggregated")} == {1}


def test_nothing_is_kept_of_a_failed_round(play, log):
    outcome = play(rounds=3, policy=synchronous(deadline=4.0, min_updates=6), faults={"dropout": 0.5})
    assert all(r.accepted and r.failure for r in outcome.rounds)
    state = unpack(log.snapshots[-1].state, log.snapshots[-1].tensors)
    assert state["tickets"] == state["results"] == state["holders"] == {}


def test_a_round_ends_when_nobody_is_left_to_wait_for(drive, log, answer):
    async def script(world, invitations):
        for client in range(6):
            world.server.receive(client, answer(client, invitations[client], math.nan))

    drive(script)
    assert log.rounds[0].time < 1.0
    assert (log.rounds[0].rejected, log.rounds[0].failure[:14]) == (6, "`min_updates` ")


def test_a_rule_that_lacks_rows_fails_the_round(drive, log, answer):
    async def script(world, invitations):
        for client in range(6):
            world.server.receive(client, answer(client, invitations[client], math.nan if client else 0.0))

    drive(script, defense={"kind": "trimmed_mean", "f": 1})
    assert "must satisfy n >= " in log.rounds[0].failure
    assert log.rounds[0].version == 0


def test_a_round_waits_for_a_client_to_return(play, log):
    outcome = play(
        rounds=2,
        policy=synchronous(deadline=2.0),
        compute={"time": 0.5},
        aggregation_seconds=1.0,
        faults={"outages": {"up": 1.0, "down": 4.0}},
    )
    assert [r.failure for r in outcome.rounds] == ["", ""]
    assert log.of("invited")[6].time == 5.0


def test_clients_lost_to_dropout_and_crashes_delay_the_round_to_its_deadline(play, log):
    outcome = play(rounds=6, clients=10, policy=synchronous(deadline=3.0), faults={"dropout": 0.3, "outages": OUTAGES})
    assert log.of("dropped")
    assert log.of("crashed")
    ends = [0.0, *(r.time for r in outcome.rounds)]
    assert max(end - begin for begin, end in pairwise(ends)) == pytest.approx(3.0)
    crashed = log.of("crashed")[0]
    accepted = [e for e in log.of("accepted") if e.client == crashed.client]
    assert crashed.task not in {e.task for e in accepted}
    assert any(e.time > crashed.time for e in accepted)


def test_lost_duplicated_and_reordered_messages(play, log):
    network = {"latency": 0.1, "loss": 0.2, "duplicate": 0.3, "reorder": 0.5, "reorder_seconds": 3.0}
    outcome = play(rounds=6, clients=10, policy=synchronous(deadline=8.0), network=network)
    assert {event.detail for event in log.of("lost")} == {"downlink", "uplink"}
    assert log.of("duplicated")
    assert set(log.reasons()) <= {"duplicate", "round closed"}
    assert "duplicate" in log.reasons()
    arrivals = [event.client for event in log.of("arrived") if event.round == 0]
    assert arrivals != sorted(arrivals)
    assert outcome.rounds[-1].version == 6


def test_aggregation_takes_its_time(play):
    assert [r.time for r in play(aggregation_seconds=5.0).rounds] == pytest.approx([6.2, 12.4, 18.6])


def test_no_round_starts_after_the_last_moment(play):
    outcome = play(rounds=100, max_seconds=3.0, evaluate_every=50)
    assert [r.time for r in outcome.rounds] == pytest.approx([1.2, 2.4, 3.6])
    assert [r.accuracy is not None for r in outcome.rounds] == [False, False, True]


def test_evaluation_every_few_rounds_and_at_the_end(play, log):
    outcome = play(rounds=5, evaluate_every=2)
    assert [r.accuracy is not None for r in outcome.rounds] == [False, True, False, True, True]
    assert [event.value for event in log.of("evaluated")] == [outcome.rounds[r].accuracy for r in (1, 3, 4)]
    assert outcome.test_accuracy == outcome.rounds[-1].accuracy


# FedBuff


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
    monkeypatch.setattr(rounds, "MAX_TASKS_PER_UPDATE", 50)
    with pytest.raises(RunFailed, match=r"round 0 came to no end: 50 tasks .*`policy.timeout` shorter than training"):
        play(policy=fedbuff(timeout=0.5))


# FedAsync


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


# All


@pytest.mark.parametrize("policy", [synchronous(), fedbuff(concurrency=2, buffer=2)], ids=lambda p: p["kind"])
def test_standing_still_is_an_error(play, policy):
    with pytest.raises(RunFailed, match=r"stands still: .* give the policy a deadline or timeout"):
        play(policy=policy, changes={"faults": Faults(dropout=1.0)})
