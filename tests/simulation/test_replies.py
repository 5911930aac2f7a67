"""What attacks answer beside updates: claimed numbers of examples, lateness, silence, and what they remember."""

import json
from typing import Any

import pytest
import torch

from fedprop.attacks import Attack, Late, SignFlip, WeightAttack
from fedprop.errors import RunFailed
from fedprop.simulation.engine import Snapshot, simulate
from fedprop.simulation.server import Server

SPREAD = {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}
POLICIES = {
    "synchronous": {"kind": "synchronous", "cohort": 4, "over_selection": 1.5, "deadline": 3.0},
    "fedbuff": {"kind": "fedbuff", "concurrency": 6, "buffer": 3, "timeout": 6.0, "max_staleness": 3},
}


class Counting(Attack):
    """Remembers how often it was asked and the last row it sent, claims and waits by that, looks back two models."""

    kind: str = "counting"

    @property
    def looks_back(self) -> int:
        return 2

    def craft(self, view):
        before = 0 if view.state is None else view.state["last"]
        return view.own + before + view.past.sum(dim=0)

    def claim(self, view):
        return [1 + len(view.past)] * len(view.own)

    def delay(self, view):
        return torch.rand(len(view.own), generator=view.generator, dtype=torch.float64).tolist()

    def remember(self, view, rows):
        times = 0 if view.state is None else view.state["times"]
        return {"times": times + 1, "last": 0.1 * rows[0], "asked": (view.round, view.clients)}


@pytest.fixture
def arrived(monkeypatch):
    """The updates of compromised clients as they reach the server."""
    received, receive = [], Server.receive

    def tap(server, client, message):
        if client in server.setup.compromised:
            received.append(message)
        receive(server, client, message)

    monkeypatch.setattr(Server, "receive", tap)
    return received


def test_a_claim_reaches_the_server_and_weighs_there(play, log, arrived):
    """Four clients of six examples, one of whom claims 42: of 60 claimed in all, it counts 0.7, the others 0.1 each."""
    rule = {"kind": "mean", "weighting": "examples"}
    play(clients=4, rounds=1, defense=rule, attack=WeightAttack(share=0.25, claimed_size=42))
    [message] = arrived
    assert message.examples == 42
    weights = log.rounds[0].weights
    assert weights.pop(message.client) == pytest.approx(0.7)
    assert list(weights.values()) == pytest.approx([0.1] * 3)


def test_a_small_data_set_that_claims_as_much_as_others_counts_as_much(play, configure, arrived):
    attack = WeightAttack(share=0.25, own_size=2, claimed_size=6)
    setup = configure(clients=4, attack=attack)
    assert sorted(setup.shards.sizes) == [2, 6, 6, 6]
    play(clients=4, rounds=1, attack=attack)
    assert [message.examples for message in arrived] == [6]


def test_who_is_late_holds_up_a_round_in_which_everybody_is_awaited(play, log):
    """Two links of 0.1 s and 1 s of training make a round; five seconds of waiting come on top."""
    [prompt, late] = (play(clients=4, rounds=1, attack=[Late(share=0.25, seconds=s)]) for s in (1e-9, 5.0))
    assert late.virtual_seconds - prompt.virtual_seconds == pytest.approx(5.0)
    assert late.parameters.equal(prompt.parameters)


def test_who_is_late_is_stale_where_nobody_waits(play, configure, log):
    settings = {"clients": 4, "rounds": 8, "policy": {"kind": "fedbuff", "concurrency": 4, "buffer": 2}}
    attack = Late(share=0.25, seconds=4.0)
    [held] = configure(**settings, attack=attack).compromised
    play(**settings, attack=attack)
    staleness = {client: set() for client in range(4)}
    for event in log.of("accepted"):
        staleness[event.client].add(event.value)
    late = staleness.pop(held)
    assert min(late) > max(set.union(*staleness.values()))


def test_a_faster_machine_answers_sooner_while_its_attack_is_on(play, log):
    """Training takes a second; in the second of two rounds a quarter at four times the speed, two at half of it."""
    for speed, seconds in ((4.0, 0.25), (0.5, 2.0)):
        log.events.clear()
        play(clients=4, rounds=2, attack=SignFlip(share=0.25, speed=speed, rounds={"start": 1}))
        began = {event.task: event.time for event in log.of("received")}
        took = {(event.round, event.client): event.time - began[event.task] for event in log.of("trained")}
        [attacker] = {client for (_, client), spent in took.items() if spent != pytest.approx(1.0)}
        assert took.pop((1, attacker)) == pytest.approx(seconds)
        assert list(took.values()) == pytest.approx([1.0] * 7)


def test_a_fast_minority_sends_most_updates_where_nobody_waits(play, configure, log):
    """At 9.5 times the speed of three others a client sends nine updates before their first; links take no time."""
    settings = {"clients": 4, "rounds": 12, "policy": {"kind": "fedasync", "concurrency": 4}, "network": {"latency": 0}}
    attack = SignFlip(share=0.25, speed=9.5)
    [held] = configure(**settings, attack=attack).compromised
    play(**settings, attack=attack)
    senders = [event.client for event in log.of("accepted")]
    assert [client == held for client in senders] == [True] * 9 + [False] * 3


def test_who_keeps_silent_is_waited_for_in_vain(play, log):
    play(clients=4, rounds=2, policy={"kind": "synchronous", "deadline": 3.0}, attack=Late(share=0.25, seconds=None))
    [first, second] = log.clients("silent")
    assert first == second
    assert first not in log.clients("accepted")
    assert len(log.of("accepted")) == 6
    assert [event.time for event in log.of("aggregated")] == pytest.approx([3.0, 6.0])


def test_a_late_client_may_crash_before_it_sends(play, log):
    outages = {"up": {"kind": "exponential", "mean": 6}, "down": {"kind": "exponential", "mean": 1}}
    policy = {"kind": "synchronous", "deadline": 20.0}
    play(clients=6, rounds=4, policy=policy, attack=Late(share=0.5, seconds=15.0), faults={"outages": outages})
    trained = {event.task for event in log.of("trained")}
    assert trained & {event.task for event in log.of("crashed")}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_run_with_memory_past_and_lateness_goes_on_as_if_never_stopped(configure, log, policy):
    setup = configure(
        rounds=6,
        clients=8,
        compute=SPREAD,
        faults={"dropout": 0.1},
        policy=POLICIES[policy],
        attack=[Counting(share=0.25), Counting(share=0.25, rounds={"every": 2})],
    )
    whole = simulate(setup, log)
    for number, saved in enumerate(list(log.snapshots)[::2]):
        resume = Snapshot(json.loads(json.dumps(saved.state)), saved.tensors)
        rest = simulate(setup, type(log)(), resume=resume, earlier=whole.rounds[: 2 * number + 1])
        assert rest.trace_sha256 == whole.trace_sha256
        assert rest.parameters.equal(whole.parameters)


def test_what_is_remembered_is_whole_rounds_of_answers(play, arrived):
    """With one client and no past before round 0, rows add up: each row is the honest one, a tenth, and the past."""
    play(clients=4, rounds=4, attack=Counting(share=0.25))
    assert [message.examples for message in arrived] == [1, 2, 3, 3]


def test_a_state_that_no_checkpoint_holds_is_the_attacks_fault(play):
    class Hoarder(Attack):
        kind: str = "hoarder"
        kept: Any

        def craft(self, view):
            return -view.own

        def remember(self, view, rows):
            return {"kept": self.kept}

    told = "hoarder failed in round 0: the attack Hoarder must remember plain data and tensors, .*; found d"
    with pytest.raises(RunFailed, match=told):
        play(clients=4, attack=Hoarder(share=0.25, kept={1, 2}))
    play(clients=4, attack=Hoarder(share=0.25, kept=(1, 2)))


def test_an_attack_that_fails_answers_honestly_in_everything_and_forgets_nothing(play, log, arrived):
    class Stumbling(Counting):
        def delay(self, view):
            if view.round == 1:
                raise RuntimeError("stumbled")
            return super().delay(view)

    play(clients=4, rounds=3, attack=Stumbling(share=0.25), attack_failures="honest")
    assert [message.examples for message in arrived] == [1, 6, 3]
    [failure] = log.of("attack_failed")
    assert failure.detail.startswith("counting: RuntimeError: stumbled")


def test_no_attack_can_write_into_what_it_remembers_or_received(play):
    class Vandal(Counting):
        def craft(self, view):
            rows = super().craft(view)
            view.past.fill_(9.0)
            if view.state is not None:
                view.state["last"].fill_(9.0)
                view.state.clear()
            return rows

        def remember(self, view, rows):
            return {"times": 0, "last": 0.1 * rows[0]}

    class Tidy(Counting):
        def remember(self, view, rows):
            return {"times": 0, "last": 0.1 * rows[0]}

    runs = [play(clients=4, rounds=4, attack=cls(share=0.25)).parameters for cls in (Vandal, Tidy)]
    assert runs[0].equal(runs[1])
