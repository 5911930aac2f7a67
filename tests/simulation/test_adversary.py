"""What attacks get to see, and how the adversary answers for the compromised clients."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from fedprop.aggregators import Cohort, FLTrust, Reference
from fedprop.attacks import Attack
from fedprop.errors import InvalidConfig, RunFailed
from fedprop.simulation.packing import unpack
from fedprop.simulation.server import Server
from fedprop.training import TicketOffice

VIEWS: list[Any] = []
ANSWERS: list[Any] = []
SPREAD = {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}


class Spy(Attack):
    """Notes what it is shown, and answers honestly."""

    kind: str = "spy"
    knowledge: str = "partial"

    @property
    def sees(self):
        return self.knowledge

    def craft(self, view):
        VIEWS.append(view)
        return view.own


class Failing(Attack):
    kind: str = "failing"

    def craft(self, view):
        raise InvalidConfig("`z` must be small; found 3")


class Zeros(Attack):
    kind: str = "zeros"

    def craft(self, view):
        return torch.zeros_like(view.own)


class Broken(Attack):
    kind: str = "broken"

    def craft(self, view):
        raise ZeroDivisionError("by hand")


class AsksTheRule(Attack):
    kind: str = "asks_the_rule"

    def craft(self, view):
        value = view.assumed(view.own, 0)[0]
        ANSWERS.append((view.own, value))
        return view.own - value


class OneRowTooFew(Attack):
    kind: str = "one_row_too_few"

    def craft(self, view):
        return view.own[1:]


@pytest.fixture(autouse=True)
def forget():
    VIEWS.clear()


def test_partial_knowledge_shows_only_own_rows(play):
    play(rounds=2, clients=10, attack=Spy(share=0.3))
    assert [len(view.own) for view in VIEWS] == [3, 3]
    assert all(view.benign is None for view in VIEWS)
    with pytest.raises(InvalidConfig, match="full knowledge"):
        _ = VIEWS[0].others


def test_full_knowledge_shows_all_honest_clients_of_the_round(play, log):
    outcome = play(rounds=2, clients=10, attack=Spy(share=0.3, knowledge="full"))
    assert [(len(view.own), len(view.benign)) for view in VIEWS] == [(3, 7), (3, 7)]
    mean = torch.cat([VIEWS[-1].own, VIEWS[-1].benign]).mean(0)
    torch.testing.assert_close(VIEWS[-1].origin + mean, outcome.parameters)


def test_full_knowledge_sees_only_the_cohort(play):
    play(clients=10, attack=Spy(share=0.5, knowledge="full"), policy={"kind": "synchronous", "cohort": 6})
    assert VIEWS
    assert {len(view.own) + len(view.benign) for view in VIEWS} == {6}


def test_full_knowledge_sees_stragglers_before_they_finish(play, log):
    slow = {"time": {"kind": "lognormal", "median": 1, "sigma": 2}}
    play(rounds=1, clients=10, attack=Spy(share=0.3, knowledge="full"), compute=slow)
    assert len(VIEWS[0].benign) == 7


def test_honest_answers_of_a_spy_change_nothing(play):
    spied = play(clients=10, attack=Spy(share=0.3, knowledge="full"))
    assert spied.parameters.equal(play(clients=10).parameters)


def averaged_and_attackers(play, policy, **settings):
    play(rounds=12, clients=20, attack=Spy(share=0.2, knowledge="full"), policy=policy, **settings)
    return {(view.received, view.attackers) for view in VIEWS}


def test_how_many_updates_would_do_is_not_how_many_are_averaged(play):
    quorum = {"kind": "synchronous", "deadline": 1000, "min_updates": 4}
    assert averaged_and_attackers(play, quorum) == {(20, 4)}


def test_of_more_than_are_averaged_an_attack_has_its_share(play):
    """A fifth of 20, 10 or 5 updates of 20 that are on their way; one that makes a version is all there is."""
    more = {"kind": "synchronous", "cohort": 10, "over_selection": 2}
    assert averaged_and_attackers(play, more) == {(10, 2)}
    VIEWS.clear()
    buffered = {"kind": "fedbuff", "concurrency": 20, "buffer": 5}
    assert averaged_and_attackers(play, buffered, compute=SPREAD) == {(5, 1)}
    VIEWS.clear()
    assert averaged_and_attackers(play, {"kind": "fedasync", "concurrency": 20}, compute=SPREAD) == {(1, 1)}


def test_asynchronous_views_hold_tasks_under_way(play):
    policy = {"kind": "fedbuff", "concurrency": 6, "buffer": 2}
    play(rounds=8, clients=10, attack=Spy(share=0.4, knowledge="full"), policy=policy, compute=SPREAD)
    assert VIEWS
    assert all(1 <= len(view.own) + len(view.benign) <= 7 for view in VIEWS)


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (Failing(share=0.3), "failing failed in round 0: `z` must be small; found 3"),
        (
            OneRowTooFew(share=0.3),
            r"one_row_too_few failed in round 0: the attack OneRowTooFew must answer with rows of shape \[3, 6\], "
            r"torch.float32, on cpu; found a tensor of shape \[2, 6\], torch.float32, on cpu",
        ),
        (Broken(share=0.3), r"broken failed in round 0: ZeroDivisionError: by hand \(test_adversary\.py, line \d+\)"),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_an_attack_that_fails_ends_the_run_and_is_named(play, attack, told):
    with pytest.raises(RunFailed, match=f"^attack {told}$"):
        play(clients=10, attack=attack, defense="fl_trust", root={"size": 6})


def test_an_attack_on_a_rule_that_asks_a_server_puts_data_of_its_own_in_its_place(play):
    """By the mean of their honest updates its clients are trusted, whatever the real server would find."""
    ANSWERS.clear()
    play(rounds=1, clients=10, attack=AsksTheRule(share=0.3), defense="fl_trust", root={"size": 6})
    (own, value), *_ = ANSWERS
    expected = FLTrust().aggregate(Cohort(own, server=Reference(own.mean(dim=0)))).value
    assert torch.equal(value, expected)


def test_where_an_attack_may_fail_its_clients_answer_honestly_and_it_is_told(play, log):
    failed = play(rounds=2, clients=10, attack=Failing(share=0.3), attack_failures="honest")
    assert [event.detail for event in log.of("attack_failed")] == ["failing: `z` must be small; found 3"] * 2
    assert failed.parameters.equal(play(rounds=2, clients=10).parameters)


@pytest.mark.parametrize("attack", ["fang_trimmed_mean", "fang_krum", "min_max", "alie", "mimic"])
def test_a_model_that_explodes_is_no_mistake_of_the_attack(play, log, attack):
    """Nobody's training ends in a number then: all send what they have, and the server refuses it."""
    VIEWS.clear()
    settings = {"rounds": 4, "clients": 10, "training": {"lr": 1e20, "weight_decay": 1e20, "steps": 3}}
    play(attack=Spy(share=0.3, knowledge="full"), **settings)
    assert not VIEWS
    found = play(attack={"kind": attack, "share": 0.3}, **settings)
    assert [(record.accepted, record.rejected) for record in found.rounds] == [(0, 10)] * 4
    assert all("found 0" in record.failure for record in found.rounds)
    assert not log.of("attack_failed")


def test_an_attack_works_with_what_training_ended_in_numbers(play, monkeypatch):
    """The results of one compromised client and one honest one are replaced as they are looked up."""
    VIEWS.clear()
    look = TicketOffice.result

    def spoilt(self, task):
        found = look(self, task)
        bad = self.tickets[task].client in (0, 9)
        return replace(found, update=found.update * torch.nan) if bad else found

    monkeypatch.setattr(TicketOffice, "result", spoilt)
    found = play(rounds=2, clients=10, compromised="first", attack=Spy(share=0.3, knowledge="full"))
    assert [(view.clients, len(view.own), len(view.benign)) for view in VIEWS] == [((1, 2), 2, 6)] * 2
    assert [(record.accepted, record.rejected) for record in found.rounds] == [(8, 2)] * 2


def test_the_round_in_which_it_failed_is_that_of_the_task(play):
    with pytest.raises(RunFailed, match="failing failed in round 2: "):
        play(rounds=3, clients=10, attack=Failing(share=0.3, rounds={"start": 2}))


def test_what_a_failing_attack_wrote_into_its_view_is_forgotten(play):
    class Scribbler(Attack):
        kind: str = "scribbler"

        def craft(self, view):
            view.own.fill_(9.0)
            view.origin.fill_(9.0)
            raise InvalidConfig("no")

    found = play(rounds=2, clients=10, attack=Scribbler(share=0.3), attack_failures="honest")
    assert found.parameters.equal(play(rounds=2, clients=10).parameters)


def test_no_attack_can_write_into_the_servers_model(play):
    class Vandal(Spy):
        def craft(self, view):
            view.origin.fill_(9.0)
            return view.own.clone()

    assert play(rounds=2, clients=10, attack=Vandal(share=0.3)).parameters.equal(play(rounds=2, clients=10).parameters)


def test_several_attacks_hold_disjoint_clients(configure):
    attacks = (Spy(share=0.3), Zeros(share=0.2), Failing(share=0.4))
    setup = configure(clients=10, attack=attacks)
    held = [clients for _, clients in setup.attacks]
    assert [len(clients) for clients in held] == [3, 2, 4]
    assert len(setup.compromised) == sum(map(len, held)) == 9


def test_several_attacks_answer_each_for_its_own(play, configure, log, monkeypatch):
    received, receive = {}, Server.receive

    def tap(server, client, message):
        received[client] = message.update
        receive(server, client, message)

    monkeypatch.setattr(Server, "receive", tap)
    attacks = (Spy(share=0.3), Zeros(share=0.2))
    play(rounds=1, clients=10, attack=attacks)
    (_, spies), (_, zeroed) = configure(clients=10, attack=attacks).attacks
    assert {client for client, update in received.items() if not update.any()} == zeroed
    assert len(spies) == len(VIEWS[0].own) == 3


def test_each_craft_has_a_stream_of_its_own(play):
    class Noise(Attack):
        kind: str = "noise"

        def craft(self, view):
            VIEWS.append(torch.randn(3, generator=view.generator))
            return view.own

    for seed in (0, 0, 1):
        play(rounds=2, clients=10, seed=seed, attack=Noise(share=0.3))
    first, second, again, _, other, _ = VIEWS
    assert first.equal(again)
    assert not first.equal(second)
    assert not first.equal(other)


def test_answers_nobody_asks_for_are_forgotten(play, log):
    policy = {"kind": "fedbuff", "concurrency": 8, "buffer": 2, "timeout": 5.0}
    play(rounds=40, clients=10, attack=Zeros(share=0.5), policy=policy, compute=SPREAD, faults={"dropout": 0.3})
    state = unpack(log.snapshots[-1].state, log.snapshots[-1].tensors)
    assert len(log.of("dropped")) > 20
    assert len(state["answers"]) <= 8


def test_an_attack_that_pauses_answers_honestly(play, log):
    zeros = Zeros(share=0.5, rounds={"start": 1, "stop": 4, "every": 2})
    paused = play(rounds=5, clients=6, attack=zeros)
    aggregated = {event.round: event.detail for event in log.of("aggregated")}
    log.events.clear()
    honest = play(rounds=5, clients=6)
    clean = {event.round: event.detail for event in log.of("aggregated")}
    assert aggregated[0] == clean[0]
    assert aggregated[1] != clean[1]
    assert not paused.parameters.equal(honest.parameters)


def test_asked_in_a_pause_it_answers_honestly_whatever_was_crafted_before(play, monkeypatch):
    received, receive = {}, Server.receive

    def tap(server, client, message):
        if client in server.setup.compromised:
            received[message.task] = (server.state.ledger.open[message.task].round, bool(message.update.any()))
        receive(server, client, message)

    monkeypatch.setattr(Server, "receive", tap)
    policy = {"kind": "fedbuff", "concurrency": 6, "buffer": 2}
    play(rounds=12, clients=8, attack=Zeros(share=0.8, rounds={"every": 2}), policy=policy, compute=SPREAD)
    assert {round % 2 for round, _ in received.values()} == {0, 1}
    assert all(honest == bool(round % 2) for round, honest in received.values())


def test_with_a_chance_it_is_on_in_some_rounds_and_these_follow_from_the_seed(play):
    """Two attacks at once, each with luck of its own; whoever is off answers honestly."""
    attack = [Spy(share=0.3, rounds={"start": 4, "chance": 0.5}), {"kind": "sign_flip", "share": 0.2}]

    def attacked():
        VIEWS.clear()
        play(rounds=24, clients=10, attack=attack)
        return [view.round for view in VIEWS]

    rounds = attacked()
    assert rounds == attacked()
    assert min(rounds) >= 4
    assert 4 < len(rounds) < 16
    attack[0] = Spy(share=0.3, rounds={"start": 4})
    assert attacked() == list(range(4, 24))
