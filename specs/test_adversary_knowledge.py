"""Declared knowledge holds end to end: what a partial-knowledge adversary sends does not depend on honest clients.

Theorem. Fix the compromised clients' data. Under partial knowledge (Fang et al. 2020, section 2.3) the messages they
send in the first round, and when, are the same whatever data the honest clients hold. Under full knowledge they are
not, so this can fail. No part of a view tells of honest clients but `benign`, and later on the models that the attack's
own clients received.

Sketch. The adversary hands an attack its own clients' honest updates and data, the global parameters that they received
and a stream of its own; the honest rows are not in the view at all.
"""

import math
from dataclasses import fields, replace
from typing import Any, ClassVar, TypeAlias

import pytest
import torch
from worlds import setup_of

from fedprop.attacks import ATTACKS, Attack, View
from fedprop.clock import now
from fedprop.data import Examples
from fedprop.experiments.experiment import Experiment
from fedprop.messages import Update
from fedprop.simulation import engine
from fedprop.simulation.setup import Setup
from fedprop.simulation.workshop import ClientsWorkshop
from fedprop.simulation.world import World
from fedprop.training import Shards
from fedprop.types import Updates

ANSWERING = [attack.model_copy(update={"share": 0.3}) for attack in ATTACKS.examples() if attack.deviates]
PARTIAL = [attack for attack in ANSWERING if attack.sees == "partial"]
FULL = [attack for attack in ANSWERING if attack.sees == "full"]
Sent: TypeAlias = dict[int, tuple[list[float], int, float]]
"""What reached the server, by client: the update, the claimed number of examples, and when."""


PATIENT = {"kind": "synchronous", "deadline": 1e4}
"""For attackers that never answer."""


def sent_by_compromised(attack: Attack, shift: float, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The first-round messages of the compromised clients when every honest example is stretched by 1 + `shift`."""
    settings = {"rounds": 1, "clients": 10, "model": "logistic_regression", "policy": PATIENT}
    setup = setup_of(Experiment(**settings, attack=attack, defense="median"))
    sent: Sent = {}

    class Tapped(World):
        def __init__(self, setup: Setup, on_event: Any, **options: Any) -> None:
            super().__init__(setup, on_event, **options)
            receive = self.server.receive

            def tap(client: int, message: Any) -> None:
                if isinstance(message, Update) and client in setup.compromised:
                    sent[client] = (message.update.tolist(), message.examples, now())
                receive(client, message)

            self.transport.connect("up", tap)

    monkeypatch.setattr(engine, "World", Tapped)
    engine.simulate(_with_moved_honest_data(setup, shift), _Nobody())
    return sent


def _with_moved_honest_data(setup: Setup, shift: float) -> Setup:
    x = setup.shards.pool.x.clone()
    for client, part in enumerate(setup.shards.parts):
        if client not in setup.compromised:
            x[part] *= 1 + shift  # adding the same to all might leave the sum of their gradients as it is
    shards = Shards(Examples(x, setup.shards.pool.y), setup.shards.parts)
    return replace(setup, shards=shards)


class _Nobody:
    def on_event(self, event: object) -> None:
        """Not interested."""

    def on_round(self, record: object, snapshot: object) -> None:
        """Not interested."""


def named(attack: Attack) -> str:
    return "-".join([attack.kind, *(f"{f}={getattr(attack, f)}" for f in sorted(attack.model_fields_set - {"kind"}))])


@pytest.mark.parametrize("attack", PARTIAL, ids=named)
def test_partial_knowledge_ignores_honest_clients(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    near = sent_by_compromised(attack, 0.0, monkeypatch)
    far = sent_by_compromised(attack, 3.0, monkeypatch)
    assert len(near) == (0 if math.inf in attack.delay(SEEN) else 3)
    assert near == far


@pytest.mark.parametrize("attack", FULL, ids=named)
def test_full_knowledge_does_not(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    near = sent_by_compromised(attack, 0.0, monkeypatch)
    far = sent_by_compromised(attack, 3.0, monkeypatch)
    assert near != far


SEEN = View(torch.zeros(3, 2), None, torch.zeros(2), lambda rows, f: (rows[0], rows[:, 0]), torch.Generator())
"""A view of three clients, for attacks whose delays depend on nothing."""


class Snoop(Attack):
    """Notes all that it is shown, and answers honestly."""

    kind: str = "snoop"
    wants: bool = False
    trains: ClassVar[bool] = True

    @property
    def looks_back(self) -> int:
        return 2 if self.wants else 0

    def craft(self, view: View) -> Updates:
        SHOWN.append(view)
        return view.own

    def remember(self, view: View, rows: Updates) -> Any:
        return view.round


SHOWN: list[View] = []


def shown(shift: float, **changes: Any) -> list[View]:
    """What a snoop is shown when every honest example is stretched by 1 + `shift`."""
    SHOWN.clear()
    settings = {"rounds": 1, "clients": 10, "model": "logistic_regression", "attack": Snoop(share=0.3), **changes}
    engine.simulate(_with_moved_honest_data(setup_of(Experiment(**settings)), shift), _Nobody())
    return list(SHOWN)


def comparable(value: Any) -> Any:
    """A part of a view in a form to compare."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, torch.Generator):
        return value.get_state().tolist()
    if isinstance(value, ClientsWorkshop):
        return [[part.tolist() for part in value.data(row)] for row in range(len(value.clients))]
    return value


def test_no_part_of_a_view_tells_of_honest_clients() -> None:
    [near], [far] = shown(0.0), shown(3.0)
    for field in fields(View):
        if field.name != "assumed":
            assert comparable(getattr(near, field.name)) == comparable(getattr(far, field.name)), field.name
    assert near.received == 10
    assert len(near.past) == 0
    assert near.state is None


def test_the_past_is_what_its_own_clients_received() -> None:
    """In a cohort of two, there are rounds without a compromised client: the models of these stay unknown."""
    cohort = {"kind": "synchronous", "cohort": 2}
    views = shown(0.0, rounds=30, policy=cohort, attack=Snoop(share=0.2, wants=True))
    rounds = [view.round for view in views]
    assert rounds != list(range(30))
    assert {view.received for view in views} == {2}
    for place, view in enumerate(views):
        received = [earlier.origin for earlier in views[max(0, place - 2) : place]]
        assert len(view.past) == len(received)
        assert all(torch.equal(*pair) for pair in zip(view.past, received, strict=True))
        assert view.state == (views[place - 1].round if place else None)


def test_who_does_not_look_back_sees_no_past() -> None:
    assert all(len(view.past) == 0 for view in shown(0.0, rounds=3))
