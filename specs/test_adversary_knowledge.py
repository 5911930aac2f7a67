"""Declared knowledge holds end to end: what a partial-knowledge adversary sends does not depend on honest clients.

Theorem. Fix the compromised clients' data. Under partial knowledge (Fang et al. 2020, section 2.3) the updates they
send in the first round are the same whatever data the honest clients hold. Under full knowledge they are not, so this
can fail.

Sketch. The adversary hands an attack its own clients' honest updates, the global parameters and a stream of its own;
the honest rows are not in the view at all.
"""

from dataclasses import replace
from typing import Any

import pytest
import torch
from worlds import setup_of

from fedprop.attacks import ATTACKS
from fedprop.data import Examples
from fedprop.experiments.experiment import Experiment
from fedprop.messages import Update
from fedprop.simulation import engine
from fedprop.simulation.setup import Setup
from fedprop.simulation.world import World
from fedprop.training import Shards

PARTIAL: list[dict[str, Any]] = []
FULL: list[dict[str, Any]] = []
for kind, cls in ATTACKS.kinds.items():
    if cls.model_validate({"kind": kind}).crafts:
        variants = ["partial", "full"] if "knowledge" in cls.model_fields else ["partial"]
        for knowledge in variants:
            chosen = {"kind": kind, "share": 0.3, **({"knowledge": knowledge} if len(variants) > 1 else {})}
            (PARTIAL if knowledge == "partial" else FULL).append(chosen)


def sent_by_compromised(
    attack: dict[str, Any], shift: float, monkeypatch: pytest.MonkeyPatch
) -> dict[int, torch.Tensor]:
    """The first-round updates of the compromised clients when every honest example is moved by `shift`."""
    experiment = Experiment(rounds=1, clients=10, model="logistic_regression", attack={**attack}, defense="median")
    setup = setup_of(experiment)
    sent: dict[int, torch.Tensor] = {}

    class Tapped(World):
        def __init__(self, setup: Setup, on_event: Any, **options: Any) -> None:
            super().__init__(setup, on_event, **options)
            receive = self.server.receive

            def tap(client: int, message: Any) -> None:
                if isinstance(message, Update) and client in setup.compromised:
                    sent[client] = message.update.clone()
                receive(client, message)

            self.transport.connect("up", tap)

    monkeypatch.setattr(engine, "World", Tapped)
    engine.simulate(_with_moved_honest_data(setup, shift), _Nobody())
    return sent


def _with_moved_honest_data(setup: Setup, shift: float) -> Setup:
    x = setup.shards.pool.x.clone()
    for client, part in enumerate(setup.shards.parts):
        if client not in setup.compromised:
            x[part] += shift
    shards = Shards(Examples(x, setup.shards.pool.y), setup.shards.parts)
    return replace(setup, shards=shards)


class _Nobody:
    def on_event(self, event: object) -> None:
        """Not interested."""

    def on_round(self, record: object, snapshot: object) -> None:
        """Not interested."""


@pytest.mark.parametrize("attack", PARTIAL, ids=lambda a: a["kind"])
def test_partial_knowledge_ignores_honest_clients(attack: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    near = sent_by_compromised(attack, 0.0, monkeypatch)
    far = sent_by_compromised(attack, 3.0, monkeypatch)
    assert len(near) == 3
    assert all(near[client].equal(far[client]) for client in near)


@pytest.mark.parametrize("attack", FULL, ids=lambda a: a["kind"])
def test_full_knowledge_does_not(attack: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    near = sent_by_compromised(attack, 0.0, monkeypatch)
    far = sent_by_compromised(attack, 3.0, monkeypatch)
    assert any(not near[client].equal(far[client]) for client in near)
