"""Who pays for what with which epsilon."""

import pytest

from fedprop.errors import InvalidConfig
from fedprop.privacy import Cost, epsilon
from fedprop.simulation.privacy import PrivacyMeter

LOCAL = {"batch_size": 2, "epochs": 1, "privacy": {"noise_multiplier": 1.0, "delta": 0.001}}
CENTRAL = {"clip_norm": 1.0, "noise_multiplier": 3.0}


def last(log):
    """The last epsilon of each client."""
    found = {}
    for record in log.rounds:
        found.update(record.epsilon)
    return found


def test_a_client_pays_for_each_update_that_it_sends(play, log):
    play(rounds=3, training=LOCAL)
    for number, record in enumerate(log.rounds, start=1):
        wanted = epsilon(1.0, Cost(2 / 6, 3 * number), delta=0.001)
        assert record.epsilon == dict.fromkeys(range(6), wanted)


def test_who_is_not_sampled_pays_nothing(play, log):
    play(rounds=4, training=LOCAL, policy={"kind": "synchronous", "cohort": 2})
    times = {client: log.clients("trained").count(client) for client in range(6)}
    wanted = {client: epsilon(1.0, Cost(2 / 6, 3 * n), delta=0.001) for client, n in times.items() if n}
    assert last(log) == wanted
    assert all(set(record.epsilon) == set(record.weights) for record in log.rounds)


def test_a_task_that_is_dropped_costs_nothing_and_an_update_that_is_lost_is_paid_for(play, log):
    settings = {"policy": {"kind": "synchronous", "deadline": 5.0, "min_updates": 1}, "rounds": 8, "training": LOCAL}
    play(**settings, faults={"dropout": 0.4}, network={"latency": 0.1, "loss": 0.3})
    assert log.of("dropped")
    assert {event.task for event in log.of("lost")} & {event.task for event in log.of("trained")}
    times = {client: log.clients("trained").count(client) for client in range(6)}
    wanted = {client: epsilon(1.0, Cost(2 / 6, 3 * n), delta=0.001) for client, n in times.items() if n}
    assert last(log) == wanted


@pytest.mark.parametrize(("clients", "paying"), [("honest", 4), ("all", 6)])
def test_attackers_train_privately_only_where_all_do(play, log, configure, clients, paying):
    training = {**LOCAL, "privacy": {**LOCAL["privacy"], "clients": clients}}
    settings = {"training": training, "attack": {"kind": "sign_flip", "share": 0.34}}
    play(**settings)
    setup = configure(**settings)
    assert len(last(log)) == paying
    assert setup.exempt == (setup.compromised if clients == "honest" else frozenset())


def test_with_central_privacy_each_average_is_paid_for_without_credit_for_sampling(play, log):
    play(rounds=5, central_privacy=CENTRAL, policy={"kind": "synchronous", "cohort": 3})
    times = [sum(client in record.weights for record in log.rounds) for client in range(6)]
    wanted = {client: epsilon(3.0, Cost(1.0, n), delta=1e-5) for client, n in enumerate(times) if n}
    assert last(log) == wanted
    assert sum(times) == 15


def test_a_round_that_fails_is_not_paid_for_centrally(play, log):
    settings = {"policy": {"kind": "synchronous", "deadline": 3.0, "min_updates": 6}, "faults": {"dropout": 0.5}}
    play(rounds=4, central_privacy=CENTRAL, **settings)
    failed = [record for record in log.rounds if record.failure]
    assert failed
    assert not any(record.epsilon for record in failed)


def test_central_noise_is_drawn_anew_in_each_round_and_again_with_the_same_seed(play, log):
    one, other = (play(rounds=2, central_privacy=CENTRAL) for _ in range(2))
    assert one.trace_sha256 == other.trace_sha256
    louder = play(rounds=2, central_privacy={**CENTRAL, "noise_multiplier": 30.0})
    assert louder.parameters.norm() > 2 * one.parameters.norm()


def test_without_privacy_nothing_is_reported(play, log, configure):
    play()
    assert last(log) == {}
    meter = PrivacyMeter(configure())
    meter.sent(0)
    meter.averaged([1])
    assert (meter.read(), meter.epsilon(0)) == ({}, 0.0)


@pytest.mark.parametrize("policy", [{"kind": "synchronous"}, {"kind": "synchronous", "cohort": 3}])
def test_a_target_is_reached_and_never_exceeded(play, log, configure, policy):
    privacy = {"target_epsilon": 2.0, "delta": 0.001}
    settings = {"rounds": 6, "policy": policy, "training": {**LOCAL, "privacy": privacy}}
    play(**settings)
    spent = max(last(log).values())
    assert spent <= 2.0
    assert spent > 1.9 or "cohort" in policy
    assert configure(**settings).training.privacy.target_epsilon is None


def test_with_fewer_tasks_planned_there_is_less_noise_and_the_target_may_be_exceeded(configure, play, log):
    def noise(**more):
        privacy = {"target_epsilon": 2.0, "delta": 0.001, **more}
        return configure(rounds=6, training={**LOCAL, "privacy": privacy}).training.privacy.noise_multiplier

    assert noise(tasks=2) < noise()
    play(rounds=6, training={**LOCAL, "privacy": {"target_epsilon": 2.0, "delta": 0.001, "tasks": 2}})
    assert max(log.rounds[1].epsilon.values()) <= 2.0 < max(log.rounds[-1].epsilon.values())


def test_noise_that_leaves_no_room_for_the_count_is_refused(configure):
    privacy = {"target_epsilon": 0.1, "delta": 0.001, "quantile": {"count_noise": 0.5}}
    with pytest.raises(InvalidConfig, match=r"`training\.privacy\.quantile\.count_noise` must exceed half the noise"):
        configure(training={**LOCAL, "privacy": privacy})
