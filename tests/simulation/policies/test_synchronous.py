"""Rounds at work. In most tests a script answers for the clients, so that every moment is under control."""

import math
from itertools import pairwise

import anyio
import pytest
import torch

from fedprop.errors import RunFailed
from fedprop.network import Faults
from fedprop.simulation.packing import unpack
from fedprop.simulation.policies import Synchronous

SPREAD = {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}
OUTAGES = {"up": {"kind": "exponential", "mean": 6}, "down": {"kind": "exponential", "mean": 2}}


def synchronous(**settings):
    return {"kind": "synchronous", **settings}


def fedbuff(**settings):
    return {"kind": "fedbuff", "concurrency": 4, "buffer": 2, **settings}


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


@pytest.mark.parametrize("policy", [synchronous(), fedbuff(concurrency=2, buffer=2)], ids=lambda p: p["kind"])
def test_standing_still_is_an_error(play, policy):
    with pytest.raises(RunFailed, match=r"stands still: .* give the policy a deadline or timeout"):
        play(policy=policy, changes={"faults": Faults(dropout=1.0)})
