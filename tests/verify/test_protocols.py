"""Protocols are verified as rules are: those that there are hold, and those with a mistake are caught by its claim."""

from typing import ClassVar, Literal

import pytest
import torch

from fedprop.defenses import PROTOCOLS, Beginning, RoundProtocol, Ruling, Screened
from fedprop.messages import Draft, Report
from fedprop.training.steering import Steering
from fedprop.verify.command import verify


class Word(Report):
    kind: Literal["word"] = "word"
    kept: bool = True


class Sound(RoundProtocol):
    """Remembers how often each client was there; the subclasses each make one mistake."""

    reports: ClassVar[tuple[type[Report], ...]] = (Word,)
    kind: str = "sound"

    def init(self):
        return {}

    def begin(self, client, received, last, *, test):
        return Beginning(received, (Draft(Word, {}),))

    def screen(self, replies, memory):
        counts = {**memory, **{client: memory.get(client, 0) + 1 for client in replies.clients}}
        accepted = tuple(counts[client] < 3 for client in replies.clients)
        return Screened(accepted, Ruling("counted", dict.fromkeys(replies.clients, "seen")), counts)


class ByPosition(Sound):
    def screen(self, replies, memory):
        counts = {**memory, **{row: memory.get(row, 0) + (client > 20) for row, client in enumerate(replies.clients)}}
        accepted = tuple(counts[row] < 1 for row in range(len(replies.clients)))
        return Screened(accepted, Ruling("counted", dict.fromkeys(replies.clients, "seen")), counts)


class Sets(Sound):
    def screen(self, replies, memory):
        return super().screen(replies, memory)._replace(memory={0: {1, 2}})


class Silent(Sound):
    def begin(self, client, received, last, *, test):
        return Beginning(received)


class Strangers(Sound):
    def select(self, available, wanted, memory, *, round, generator):
        return [*available[:-1], 99]


class Forgetful(Sound):
    """Draws from a generator of its own."""

    def after(self, parameters, memory, *, round, generator):
        return parameters + torch.rand(len(parameters))


class Mixed(Sound):
    def train(self):
        class Mixing(Steering):
            def bend(self, gradients, place):
                return {name: g - g.mean(dim=0) for name, g in gradients.items()}

        return Mixing()


SEEN = set()
LAST = {}


class SeenBefore(Sound):
    """Knows its clients from a set of the module's."""

    def screen(self, replies, memory):
        accepted = tuple(client in SEEN for client in replies.clients)
        SEEN.update(replies.clients)
        return super().screen(replies, memory)._replace(accepted=accepted)


class LastUpdate(Sound):
    """Holds an update against the last one, which it keeps in a mapping of the module's."""

    def after(self, parameters, memory, *, round, generator):
        before, LAST[round] = LAST.get(round), parameters
        return parameters if before is None or len(before) != len(parameters) else (parameters + before) / 2


class Halves(Sound):
    def screen(self, replies, memory):
        replies.updates.mul_(0.5)
        return super().screen(replies, memory)


class Keeps(Sound):
    """Counts in the memory that it is handed."""

    def screen(self, replies, memory):
        for client in replies.clients:
            memory[client] = memory.get(client, 0) + 1
        return Screened((True,) * len(replies.clients), Ruling("c", dict.fromkeys(replies.clients, "seen")), memory)


class Moves(Sound):
    def begin(self, client, received, last, *, test):
        return Beginning(received.add_(1), (Draft(Word, {}),))


class Sorts(Sound):
    def select(self, available, wanted, memory, *, round, generator):
        available.reverse()
        return available[:wanted]


MISTAKES = {
    SeenBefore: "repeatable",
    LastUpdate: "repeatable",
    Halves: "untouched",
    Keeps: "untouched",
    Moves: "untouched",
    Sorts: "untouched",
    ByPosition: "order of arrival",
    Sets: "plain memory",
    Silent: "steps answered",
    Strangers: "steps answered",
    Forgetful: "repeatable",
    Mixed: "client by client",
}


def broken(protocol):
    report = verify(protocol, examples=25, shrink=False)
    return {outcome.name: outcome for outcome in report.outcomes if outcome.counterexample}


@pytest.mark.parametrize("protocol", PROTOCOLS.examples(), ids=repr)
def test_every_protocol_holds(protocol):
    assert broken(protocol) == {}


def test_every_mistake_is_caught_by_its_claim():
    assert broken(Sound()) == {}
    for mistaken, claim in MISTAKES.items():
        found = broken(mistaken())
        assert claim in found, (mistaken.__name__, found)
        assert "Play(" in found[claim].counterexample.code
