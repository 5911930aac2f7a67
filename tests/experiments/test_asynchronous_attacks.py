"""Every attack where nobody waits for anybody: its clients are heard, or keep silent, and no round fails."""

from dataclasses import replace

import torch

from fedprop.attacks import ATTACKS, Attack, NoAttack
from fedprop.data import Dataset
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.rng import generator
from fedprop.simulation.engine import simulate
from fedprop.simulation.policies import FedAsync, FedBuff
from fedprop.training import LocalResult

RUNS = ((FedBuff(concurrency=5, buffer=3), 3), (FedAsync(concurrency=5), 8))
"""Policies, and after how many versions everybody's first update has come."""


class Log:
    def __init__(self):
        self.events = []

    def on_event(self, event):
        self.events.append(event)

    def on_round(self, record, snapshot):
        pass


def images():
    """Ten small pictures of each of ten classes."""
    y = torch.arange(100) % 10
    x = torch.rand(100, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    return Dataset.from_arrays("toy", x, y, x, y)


def drawn(tickets):
    """Updates that nobody learnt, for time's sake."""
    found = []
    for ticket in tickets:
        row = torch.randn(260, generator=generator(0, "drawn", ticket.client, ticket.task))
        found.append(LocalResult(row.to(ticket.origin), 20, 1, 0.0))
    return found


def test_every_attack_is_heard_at_any_speed():
    """One of five clients, three times as fast as the others, so that it answers several tasks to one of theirs."""
    data, settings = images(), {"rounds": 8, "clients": 5, "model": "logistic_regression", "evaluate_every": 8}
    for attack in ATTACKS.examples():
        if isinstance(attack, NoAttack):
            continue
        setup = resolve(Experiment(**settings, attack=attack.model_copy(update={"speed": 3.0})), dataset=data)
        for policy, rounds in RUNS:
            log = Log()
            outcome = simulate(replace(setup, policy=policy, rounds=rounds), log, train=drawn)
            assert [record.failure for record in outcome.rounds] == [""] * rounds, attack
            own = [event.kind for event in log.events if event.client in setup.compromised]
            often = 1 if type(attack).delay is not Attack.delay else 2  # which come late on purpose
            assert own.count("trained") >= often, attack
            assert "accepted" in own or "silent" in own or often == 1, attack
