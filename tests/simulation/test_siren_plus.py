"""SIREN+ on the simulator, message by message; what holds over many rounds is a spec (specs/test_siren_protocol.py)."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from fedprop.authentication import client_key, signed
from fedprop.data import Dataset
from fedprop.defenses import SirenPlus
from fedprop.defenses.siren_plus import AlarmStatus, Record
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.messages import encode
from fedprop.simulation.engine import simulate
from fedprop.simulation.ledger import TaskState
from fedprop.training.task import LocalResult

SIREN = {"kind": "siren_plus", "holdout": 0.5}


@pytest.fixture
def toy():
    """Makes a dataset of two classes in the plane, far from each other, twelve examples for each client."""

    def make(clients):
        y = torch.arange(12 * clients) % 2
        x = 0.1 * torch.randn(len(y), 2, generator=torch.Generator().manual_seed(0)) + 4.0 * y[:, None] - 2.0
        return Dataset.from_arrays("toy", x, y, x[:20], y[:20])

    return make


@pytest.fixture
def play(configure, log):
    """Runs ten clients that train until they are right; `log` has what happened."""

    def run(**settings):
        defaults = {"clients": 10, "defense": SIREN, "training": {"lr": 1.0, "steps": 3}, "root": {"size": 20}}
        return simulate(configure(**{**defaults, **settings}), log)

    return run


def of_client(log, client, round_):
    return [event.kind.value for event in log.events if event.client == client and event.round == round_]


def test_a_round_goes_message_by_message(play, log):
    play(rounds=2, clients=2)
    steps = ["invited", "received", "began", "arrived", "heard", "trained", "arrived", "accepted", "judged"]
    assert of_client(log, 0, 1) == of_client(log, 1, 1) == steps
    assert [(event.detail, event.value) for event in log.of("ruled")] == [("quiet", 0.0)] * 2


def test_an_attack_comes_in_once_and_is_taken_back(play, log):
    attack = {"kind": "sign_flip", "share": 0.4, "z": 5.0}
    outcome = play(rounds=2, attack=attack, compromised="first")
    assert [r.ruling.case for r in outcome.rounds] == ["quiet", "divergent"]
    assert outcome.rounds[0].accuracy < 0.2
    assert outcome.rounds[1].accuracy > 0.9
    assert outcome.rounds[1].ruling.rollback
    assert set(outcome.rounds[1].weights) == {4, 5, 6, 7, 8, 9}
    assert outcome.rounds[1].ruling.suspicion == {client: float(client < 4) for client in range(10)}
    assert [event.value for event in log.of("aggregated")] == [10.0, 6.0]
    details = {event.client: event.detail for event in log.of("judged") if event.round == 1}
    bad = "malicious, not used, banned"  # 0.45 of two rounds is less than one
    assert details == {client: bad if client < 4 else "benign, used" for client in range(10)}
    assert {event.value for event in log.of("began") if event.round == 1} == {1.0}


@pytest.mark.parametrize(("alarms", "heard"), [("honest", 0.0), ("always", 1.0), ("never", 0.0), ("inverted", 1.0)])
def test_a_compromised_client_may_lie(play, log, alarms, heard):
    play(rounds=1, attack={"kind": "sign_flip", "share": 0.5, "reports": alarms}, compromised="first")
    assert {event.value for event in log.of("began")} == {0.0}
    assert {event.client: event.value for event in log.of("heard")} == {c: heard * (c < 5) for c in range(10)}


def test_an_attack_that_pauses_tells_the_truth(play, log):
    play(
        rounds=3, attack={"kind": "false_alarms", "share": 0.4, "rounds": {"start": 1, "stop": 2}}, compromised="first"
    )
    lied = {(event.round, event.client) for event in log.of("heard") if event.value == 1.0 and event.client < 4}
    assert {round for round, _ in lied} == {1}


def test_false_alarms_alone_do_no_harm(play):
    outcome = play(rounds=4, attack={"kind": "false_alarms", "share": 0.4})
    assert [r.failure for r in outcome.rounds] == [""] * 4
    assert outcome.test_accuracy > 0.9


class Scripted:
    """Trains nobody: the local models are given, by client and round."""

    def __init__(self, models):
        self.models = models
        self.starts = {}

    def __call__(self, tickets):
        results = []
        for ticket in tickets:
            self.starts[ticket.task] = ticket.first
            target = self.models[ticket.task % 10]
            results.append(LocalResult(target - ticket.origin, examples=6, steps=1, loss=0.0))
        return results


GOOD = torch.tensor([-1.0, -1.0, 1.0, 1.0, 0.0, 0.0])  # a logistic regression that is right: weights, then biases
BAD = -GOOD


def scripted(configure, log, models, **settings):
    defaults = {"clients": 10, "defense": SIREN, "root": {"size": 20}}
    setup = configure(**{**defaults, **settings})
    train = Scripted(models)
    return simulate(setup, log, train=train), train


def test_the_client_goes_on_from_its_own_model_and_the_server_from_the_last_good_one(configure, log):
    models = [BAD * 9] * 4 + [GOOD] * 6
    outcome, train = scripted(configure, log, models, rounds=2)
    poisoned = sum(models) / 10
    assert outcome.rounds[0].accuracy == 0.0
    for client in range(4):
        assert train.starts[10 + client].allclose(poisoned, atol=1e-5)
    for client in range(4, 10):
        assert train.starts[10 + client].allclose(GOOD, atol=1e-5)
    assert outcome.parameters.allclose(GOOD, atol=1e-5)


@pytest.mark.parametrize(
    "optimizer", [{"kind": "fedadam"}, {"kind": "fedyogi"}, {"kind": "fedadagrad"}, {"kind": "fedavg", "lr": 0.5}]
)
def test_a_rollback_takes_the_optimizer_back_too(configure, log, optimizer):
    """The second round is as if there had not been a first."""
    setup = configure(rounds=2, clients=10, defense=SIREN, root={"size": 20}, optimizer=optimizer)
    outcome = simulate(setup, log, train=Scripted([BAD * 9] * 4 + [GOOD] * 6))
    assert outcome.rounds[1].ruling.rollback
    start = simulate(configure(rounds=1, clients=10, optimizer=optimizer), log, train=Scripted([GOOD] * 10))
    assert outcome.parameters.allclose(start.parameters, atol=1e-5)


def test_who_answers_no_more_keeps_its_model(configure, log):
    """A client whose task is dropped compares with the model of the last one that it answered."""
    setup = configure(
        rounds=6,
        clients=4,
        defense=SIREN,
        root={"size": 10},
        faults={"dropout": 0.5},
        policy={"kind": "synchronous", "deadline": 3.0},
        seed=3,
    )
    simulate(setup, log)
    answered = set()
    assert log.of("dropped")
    for event in log.events:
        if event.kind == "began":
            assert (event.detail == "nothing to compare with") == (event.client not in answered)
        elif event.kind == "trained":
            answered.add(event.client)


def said(world):
    """What the server has heard so far about open tasks."""
    return {task: reports["alarm_status"].alarm for task, reports in world.server.state.reports.items()}


def alarm_for(world, client, invitation, **changes):
    fields = {"client": client, "task": invitation.task, "version": invitation.version, "alarm": True}
    alarm = AlarmStatus.model_validate({**fields, **changes})
    return signed(alarm, client_key(world.setup.seed, client))


@pytest.fixture
def talk(drive, log):
    """Runs a script of clients against the server with SIREN+."""

    def run(script):
        return drive(script, defense=SIREN, root={"size": 10}, clients=3)

    return run


def test_an_alarm_is_heard_once_and_goes_with_its_update(talk, log, answer):
    async def script(world, invitations):
        for client, invitation in enumerate(invitations[:3]):
            world.server.receive(client, alarm_for(world, client, invitation, alarm=client == 1))
        assert said(world) == {0: False, 1: True, 2: False}
        world.server.receive(0, encode(alarm_for(world, 0, invitations[0])))
        for client, invitation in enumerate(invitations[:3]):
            world.server.receive(client, answer(client, invitation))
        world.server.receive(0, alarm_for(world, 0, invitations[0]))

    world = talk(script)
    assert log.rounds[0].ruling.reports == {0: False, 1: True, 2: False}
    assert log.reasons() == ["report replayed", "report replayed"]
    assert said(world) == {}


def test_a_forged_alarm_changes_nothing(talk, log, answer):
    async def script(world, invitations):
        genuine = alarm_for(world, 0, invitations[0], alarm=False)
        world.server.receive(0, genuine.model_copy(update={"alarm": True}))
        world.server.receive(0, replace_tag(genuine))
        world.server.receive(1, genuine)
        world.server.receive(0, alarm_for(world, 0, invitations[0], task=99))
        world.server.receive(0, alarm_for(world, 0, invitations[0], version=1))
        assert said(world) == {}
        assert world.server.state.ledger.state(0) is TaskState.OPEN
        world.server.receive(0, genuine)
        assert said(world) == {0: False}

    def replace_tag(alarm):
        return alarm.model_copy(update={"tag": "00"})

    talk(script)
    assert log.reasons() == ["report forged", "report forged", "wrong sender", "unknown task", "wrong version"]
    assert log.clients("heard") == [0]


def test_an_update_without_its_alarm_is_refused_and_its_task_with_it(talk, log, answer):
    async def script(world, invitations):
        world.server.receive(0, answer(0, invitations[0]))
        world.server.receive(0, alarm_for(world, 0, invitations[0]))

    world = talk(script)
    assert log.reasons() == ["report missing", "duplicate"]
    assert world.server.state.ledger.state(0) is TaskState.REFUSED


def test_a_round_of_banned_clients_only_makes_no_model(talk, log, answer):
    async def script(world, invitations):
        world.server.state.protocol = {client: Record(9.0, 9, banned=True) for client in range(3)}
        for client, invitation in enumerate(invitations[:3]):
            world.server.receive(client, alarm_for(world, client, invitation, alarm=True))
            world.server.receive(client, answer(client, invitation))

    world = talk(script)
    assert log.rounds[0].failure == "a round must have an update that the defense accepts; found none"
    assert log.rounds[0].ruling.banned == (0, 1, 2)
    assert (log.rounds[0].weights, world.server.state.version, world.server.state.fallback) == ({}, 0, None)


def test_alarms_mean_nothing_to_a_server_that_asked_for_none(drive, log):
    async def script(world, invitations):
        world.server.receive(0, alarm_for(world, 0, invitations[0]))

    drive(script)
    assert log.reasons() == ["malformed"]


def experiment(**settings):
    return Experiment(**{"rounds": 3, "clients": 10, "defense": SIREN, "model": "logistic_regression", **settings})


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        (
            {"policy": {"kind": "fedbuff", "concurrency": 4, "buffer": 2}},
            "`policy` must be synchronous for SirenPlus: clients test the model of the round, .*found fedbuff",
        ),
        (
            {"policy": {"kind": "fedasync", "concurrency": 4}},
            "`policy` must be synchronous for SirenPlus: .*found fedasync",
        ),
        ({"optimizer": {"kind": "fednova"}}, "`optimizer` must not rescale by steps for SirenPlus: .*found FedNova"),
    ],
)
def test_what_does_not_go_with_it_is_refused(settings, rule):
    with pytest.raises(ValidationError, match=rule):
        experiment(**settings)


def test_clients_train_on_what_they_do_not_test_on(toy):
    setup = resolve(experiment(root={"size": 20}, defense={"kind": "siren_plus", "holdout": 0.5}), dataset=toy(10))
    assert setup.shards.sizes == (5,) * 10
    assert (setup.protocol, setup.rule.kind) == (SirenPlus(holdout=0.5), "mean")
    plain = resolve(experiment(defense="mean"), dataset=toy(10))
    assert plain.shards.sizes == (12,) * 10
    assert plain.protocol is None


def test_resuming_goes_on_as_if_nothing_had_been(play, configure, log):
    settings = {
        "rounds": 5,
        "clients": 10,
        "defense": SIREN,
        "training": {"lr": 1.0, "steps": 3},
        "root": {"size": 20},
        "attack": {"kind": "sign_flip", "share": 0.4, "z": 5.0, "reports": "inverted"},
        "policy": {"kind": "synchronous", "cohort": 6, "deadline": 2.0},
        "compute": {"time": {"kind": "lognormal", "median": 1, "sigma": 1}},
        "optimizer": {"kind": "fedadam"},
    }
    whole = simulate(configure(**settings), log)
    for after in (0, 2):
        earlier = tuple(log.rounds[: after + 1])
        rest = simulate(configure(**settings), type(log)(), resume=log.snapshots[after], earlier=earlier)
        assert rest.trace_sha256 == whole.trace_sha256
        assert [r.ruling for r in rest.rounds] == [r.ruling for r in whole.rounds]
    assert replace(whole.rounds[0], wall_seconds=0.0).ruling is not None
