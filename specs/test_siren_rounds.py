"""SIREN+ over many rounds: how often poison comes in, who is banned, and where rollbacks lead.

The world of Guo et al. 2024, Section 4.5, without models: a client's model is good (accuracy 0.9) or, if it attacks,
bad (0.1); the global model is poisoned once an attacking client's update is accepted; benign clients alarm if and only
if it is. Clients that attack alarm or stay silent as they like; a malicious client that pauses does as benign ones do.

**Theorem.** In this world (1) updates of attacking clients are accepted in rounds without an alarm only; (2) no two
global models in a row are poisoned; (3) a rollback never leads to a poisoned model, however many follow one another;
(4) no client is found malicious in a round in which it did not attack, so no benign client is ever banned.

*How often poison comes in.* Section 4.5 says in the first attacked round only. That is so if the attackers send false
alarms in every round, as those in the published code do, or if C_p < 1 and no award is given. Otherwise silent
attackers come in every second round: the benign clients undo the first attack, then nobody alarms, and nobody is
checked. A ban ends this after floor(C_p) + 1 times, but not if the attackers pause whenever there is an alarm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedprop.defenses import Lineage
from fedprop.defenses.siren_plus import Case, Decision, Record, Verdict, decide, tally

BENIGN, ATTACKERS = 2, 3
CLIENTS = range(BENIGN + ATTACKERS)


@dataclass
class World:
    """Two benign clients, then three malicious ones; the global models are numbers, of which some are poisoned."""

    c_p: float | None = None
    c_a: float | None = None
    line: Lineage[int] = field(default_factory=lambda: Lineage(0, 0))
    poisoned: set[int] = field(default_factory=set)
    records: dict[int, Record] = field(default_factory=dict)

    @property
    def alarmed(self) -> bool:
        """Whether the benign clients alarm."""
        return self.line.current in self.poisoned

    def round(self, attack: Sequence[bool], alarm: Sequence[bool]) -> Decision:
        """One round, in which each malicious client attacks or not; those that do alarm or not."""
        attacks = [False] * BENIGN + list(attack)
        lies = [self.alarmed] * BENIGN + list(alarm)
        alarms = [lie if attacks[client] else self.alarmed for client, lie in enumerate(lies)]
        banned = [client for client in CLIENTS if self.records.get(client, Record()).banned]
        decision = decide(alarms, Written(attacks), banned=banned, review=self.c_a is not None)
        self.records = tally(
            self.records, dict(zip(CLIENTS, decision.verdicts, strict=True)), c_p=self.c_p, c_a=self.c_a
        )
        new = self.line.current + 1
        if any(used and attacks[client] for client, used in enumerate(decision.accepted)):
            self.poisoned.add(new)
        self.line = self.line.then(new, rolled_back=decision.rollback)
        return decision


@dataclass(frozen=True)
class Written:
    """Evidence: attacking clients have bad models, and no two updates are at an angle above pi/2."""

    attacks: Sequence[bool]

    def accuracy(self, row: int) -> float:
        return 0.1 if self.attacks[row] else 0.9

    def agrees(self, row: int, other: int) -> bool:
        return True


def poisoned_rounds(world: World, rounds: int, *, alarming: bool = False, pausing: bool = False) -> list[int]:
    """The rounds in which poison comes in if all malicious clients attack, except in alarmed rounds if they pause."""
    entered = []
    for t in range(1, rounds + 1):
        before = len(world.poisoned)
        world.round([not (pausing and world.alarmed)] * ATTACKERS, [alarming] * ATTACKERS)
        entered += [t] * (len(world.poisoned) - before)
    return entered


choices = st.lists(st.booleans(), min_size=ATTACKERS, max_size=ATTACKERS)
plans = st.lists(st.tuples(choices, choices), max_size=12)
thresholds = st.none() | st.sampled_from([0.0, 1.0, 2.5])
awards = st.none() | st.sampled_from([0.5, 2.0])


@given(plans, thresholds, awards)
def test_poison_comes_in_unannounced_and_stays_for_one_round(
    plan: list[tuple[list[bool], list[bool]]], c_p: float | None, c_a: float | None
) -> None:
    world = World(c_p, c_a)
    for attack, alarm in plan:
        was_poisoned = world.alarmed
        decision = world.round(attack, alarm)
        assert decision.case is Case.QUIET or not world.alarmed
        assert decision.rollback == was_poisoned
        assert not (was_poisoned and world.alarmed)
        assert world.line.fallback not in world.poisoned
        found = {client for client in CLIENTS if decision.verdicts[client] is Verdict.MALICIOUS}
        assert found <= {BENIGN + i for i, attacks in enumerate(attack) if attacks}
        assert not any(world.records[client].banned for client in range(BENIGN))


def test_silent_attackers_come_in_every_second_round() -> None:
    assert poisoned_rounds(World(), 8) == [1, 3, 5, 7]


def test_attackers_that_always_alarm_never_come_in() -> None:
    assert poisoned_rounds(World(), 8, alarming=True) == []


@pytest.mark.parametrize("c_p", [0.0, 0.5, 1.0, 2.0, 2.5])
def test_a_ban_ends_it(c_p: float) -> None:
    assert poisoned_rounds(World(c_p), 20) == [2 * i + 1 for i in range(math.floor(c_p) + 1)]


def test_a_ban_of_the_papers_length_ends_it_in_the_last_tenth_of_the_run() -> None:
    assert poisoned_rounds(World(c_p=18.0, c_a=0.5), 40)[-1] == 37


def test_attackers_that_pause_when_there_is_an_alarm_are_never_found() -> None:
    world = World(c_p=0.0)
    assert poisoned_rounds(world, 8, pausing=True) == [1, 3, 5, 7]
    assert not any(record.penalty for record in world.records.values())
