from typing import Any, Literal

import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, Contract, Krum, Mean
from fedprop.errors import InvalidUpdates
from fedprop.verify.hunting.hunt import Effort, hunt, hunt_all
from fedprop.verify.rules.memory import has_memory, memory_claims, restored
from fedprop.verify.rules.stories import same_state

LINEAR = Contract(linear=True)


def outcomes(rule, examples=25, only=()):
    claims = memory_claims(rule, f"{__name__}:{type(rule).__name__}", {})
    wanted = [claim for claim in claims if not only or claim.name in only]
    return {outcome.name: outcome for outcome in hunt_all(wanted, Effort(examples, 0, shrink=False))}


def broken(found):
    return {name for name, outcome in found.items() if outcome.fails}


class History(Aggregator):
    """Weighs each client by how long its sum of updates is, against all the others in the round."""

    kind: Literal["history"] = "history"

    def init(self) -> Any:
        return {}

    def contract(self):
        return LINEAR

    def combine(self, cohort, state):
        memory = self.remember(cohort, state)
        lengths = torch.stack([memory[client].norm() for client in cohort.clients])
        shares = lengths + 1
        weights = (shares / shares.sum()).to(cohort.updates.dtype)
        return Aggregation(weights @ cohort.updates, weights, memory)

    def remember(self, cohort, state):
        memory = dict(state)
        for client, row in zip(cohort.clients, cohort.updates, strict=True):
            memory[client] = memory.get(client, torch.zeros_like(row)).double() + row.double()
        return memory


class ByPosition(History):
    def combine(self, cohort, state):
        return super().combine(type(cohort)(cohort.updates, tuple(range(len(cohort.updates)))), state)


class TensorByPosition(History):
    """A moving sum of the rows as they stand, begun anew for another number of them."""

    def init(self):
        return None

    def combine(self, cohort, state):
        rows = cohort.updates.double()
        held = state if state is not None and state.shape == rows.shape else torch.zeros_like(rows)
        memory = 0.9 * held + rows
        weights = (1 / (1 + memory.norm(dim=1))).to(cohort.updates.dtype)
        return Aggregation(weights @ cohort.updates, weights, memory)


class ByName(History):
    """Client 41 counts twice."""

    def combine(self, cohort, state):
        _, weights, memory = super().combine(cohort, state)
        weights = weights * torch.tensor([1.0 + (client == 41) for client in cohort.clients], dtype=weights.dtype)
        return Aggregation(weights @ cohort.updates, weights, memory)


class Mutates(History):
    def remember(self, cohort, state):
        state.update(super().remember(cohort, state))
        return state


class MutatesLater(History):
    """The new state shares its tensors with the old one, and they are added to in place."""

    def remember(self, cohort, state):
        memory = dict(state)
        for client, row in zip(cohort.clients, cohort.updates.double(), strict=True):
            if client in memory:
                memory[client] += row
            else:
                memory[client] = row.clone()
        return memory


ROUNDS: list[int] = []


class CountsInAGlobal(History):
    def combine(self, cohort, state):
        ROUNDS.append(1)
        value, weights, memory = super().combine(cohort, state)
        return Aggregation(value + len(ROUNDS), weights, memory)


class Unsaveable(History):
    def remember(self, cohort, state):
        return {**super().remember(cohort, state), "met": {*cohort.clients}}


class Invents(History):
    def remember(self, cohort, state):
        memory = super().remember(cohort, state)
        return {**memory, max(memory) + 1000: torch.zeros_like(cohort.updates[0])}


class Divides(History):
    def combine(self, cohort, state):
        memory = self.remember(cohort, state)
        lengths = torch.stack([memory[client].norm() for client in cohort.clients])
        weights = lengths / lengths.sum()
        return Aggregation((weights @ cohort.updates.double()).to(cohort.updates.dtype), weights, memory)


class OneWeight(History):
    def combine(self, cohort, state):
        value, weights, memory = super().combine(cohort, state)
        return Aggregation(value, weights[:1], memory)


class NotLinear(History):
    def combine(self, cohort, state):
        value, weights, memory = super().combine(cohort, state)
        return Aggregation(value + 1, weights, memory)


class Newcomers(History):
    def remember(self, cohort, state):
        known = state or {client: torch.zeros(1) for client in cohort.clients}
        return {**{client: known[client] for client in cohort.clients}, **super().remember(cohort, state)}


class FiveRounds(History):
    """The state has room for so many rounds."""

    def remember(self, cohort, state):
        memory = super().remember(cohort, {k: v for k, v in state.items() if k != "rounds"})
        rounds = state.get("rounds", 0)
        [0, 1, 2, 3, 4].index(rounds)
        return {**memory, "rounds": rounds + 1}


class TwelveRows(History):
    def combine(self, cohort, state):
        if len(cohort.updates) > 12:
            raise IndexError("the table is full")
        return super().combine(cohort, state)


class NobodyIsZero(History):
    def remember(self, cohort, state):
        memory = super().remember(cohort, state)
        return {client: (total if client else torch.zeros_like(total)) for client, total in memory.items()}


class TenNumbers(History):
    """Only so many numbers of each update are looked at; of longer ones the mean is taken."""

    def combine(self, cohort, state):
        value, weights, memory = super().combine(cohort, state)
        return Aggregation(value if len(value) <= 10 else cohort.updates.mean(dim=0), weights, memory)


class Declines(History):
    def combine(self, cohort, state):
        raise InvalidUpdates("never")


class FirstOfEqual(History):
    """Takes the row that is longest; the first of several."""

    def combine(self, cohort, state):
        weights = torch.zeros(len(cohort.updates), dtype=cohort.updates.dtype)
        weights[cohort.updates.norm(dim=1).argmax()] = 1
        return Aggregation(weights @ cohort.updates, weights, self.remember(cohort, state))


class Faded(History):
    """What `TensorByPosition` should be: each client has a moving sum of its own."""

    def remember(self, cohort, state):
        memory = dict(state)
        for client, row in zip(cohort.clients, cohort.updates.double(), strict=True):
            memory[client] = 0.9 * memory.get(client, torch.zeros_like(row)) + row
        return memory


@pytest.mark.parametrize("rule", [History(), Faded(), FirstOfEqual()], ids=["history", "faded", "ties"])
def test_correct_rules_pass(rule):
    found = outcomes(rule, examples=60)
    assert not broken(found)
    assert all(outcome.verdict == "holds" for outcome in found.values())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ByPosition, "memory by client"),
        (TensorByPosition, "memory by client"),
        (ByName, "names"),
        (Mutates, "state untouched"),
        (MutatesLater, "state untouched"),
        (CountsInAGlobal, "nothing hidden"),
        (Unsaveable, "state survives saving"),
        (Invents, "only participants"),
        (Divides, "rounds finite"),
        (OneWeight, "rounds finite"),
        (NotLinear, "weights over rounds"),
        (Newcomers, "rounds answered"),
        (FiveRounds, "rounds answered"),
        (TwelveRows, "rounds answered"),
        (NobodyIsZero, "names"),
        (TenNumbers, "weights over rounds"),
    ],
)
def test_broken_rules_are_caught(rule, expected):
    assert broken(outcomes(rule(), examples=60, only=[expected])) == {expected}


def test_a_rule_may_decline_but_not_everything():
    found = outcomes(Declines(), examples=5, only=["rounds answered", "names"])
    assert {(outcome.verdict, outcome.why) for outcome in found.values()} == {("unanswered", "never")}


def test_what_has_memory():
    assert has_memory(History())
    assert not has_memory(Mean())
    assert not has_memory(Krum(f=1))
    assert not has_memory(Crashes())


class Crashes(Aggregator):
    kind: Literal["crashes"] = "crashes"

    def combine(self, cohort, state):
        return 1 / 0


def test_the_code_shows_it_again(capsys):
    claims = memory_claims(NotLinear(), "fedprop.aggregators.mean:Mean", {})
    claim = next(claim for claim in claims if claim.name == "weights over rounds")
    shown = hunt(claim, Effort(20, 0)).counterexample
    exec(shown.code, {})
    assert "(41, 7)" in capsys.readouterr().out
    assert shown.title == "rows round by round: 2 of clients [41, 7]"


def test_states_are_compared_to_the_bit():
    import numpy as np

    assert same_state([1, {"a": np.zeros(2)}], [1, {"a": np.zeros(2)}])
    assert not same_state(torch.zeros(1), torch.zeros(1).double())
    assert not same_state((1, 2), (1, 3))
    assert not same_state({1: 0}, {2: 0})
    assert not same_state(np.zeros(1), np.ones(1))
    assert same_state(LINEAR, Contract(linear=True))
    assert not same_state(LINEAR, Contract())


def test_a_state_comes_back_from_disk():
    state = {7: torch.ones(2), "n": (1, [2.5, None])}
    assert same_state(restored(state), state)
