"""SIREN+ as a protocol: what it makes of the replies of one round, and what it remembers."""

import pytest
import torch

from fedprop.aggregators import Mean
from fedprop.defenses import Replies, SirenPlus
from fedprop.defenses.siren_plus import AlarmStatus
from fedprop.errors import InvalidConfig


class Root:
    """The accuracy of an update is its first coordinate."""

    def accuracies(self, candidates):
        return candidates[:, 0].double()

    def losses(self, candidates):
        raise AssertionError

    def reference(self):
        raise AssertionError


def replies(accuracies, alarms, *, clients=(4, 7, 9), server=None):
    rows = torch.tensor([[accuracy, 1.0] for accuracy in accuracies])
    said = [
        AlarmStatus(client=client, task=i, version=0, alarm=alarm)
        for i, (client, alarm) in enumerate(zip(clients, alarms, strict=True))
    ]
    told = tuple((status,) for status in said)
    return Replies(rows, clients, told, Root() if server is None else server, round=0, rounds=10)


def test_a_quiet_round_is_taken_as_it_is():
    accepted, ruling, memory = SirenPlus().screen(replies([0.9, 0.1, 0.9], [False] * 3), {})
    assert accepted == (True, True, True)
    assert (ruling.case, ruling.rollback, ruling.banned) == ("quiet", False, ())
    assert ruling.reports == {4: 0.0, 7: 0.0, 9: 0.0}
    assert ruling.verdicts == {4: "unchecked", 7: "unchecked", 9: "unchecked"}
    assert ruling.scores == {}
    assert ruling.suspicion == {4: 0, 7: 0, 9: 0} == {client: record.penalty for client, record in memory.items()}


def test_an_alarm_is_decided_upon_and_penalised():
    protocol = SirenPlus(penalty=0)
    accepted, ruling, memory = protocol.screen(replies([0.9, 0.1, 0.9], [True, True, True]), {})
    assert accepted == (True, False, True)
    assert (ruling.case, ruling.rollback, ruling.banned) == ("divergent", True, (7,))
    assert ruling.verdicts == {4: "benign", 7: "malicious", 9: "benign"}
    assert ruling.scores == pytest.approx({4: 0.9, 7: 0.1, 9: 0.9})
    assert ruling.suspicion == {4: 0, 7: 1, 9: 0}
    plain = {client: tuple(record) for client, record in memory.items()}
    again = protocol.screen(replies([0.9, 0.9, 0.9], [False] * 3), plain)
    assert again.accepted == (True, False, True)
    assert again.ruling.verdicts[7] == "benign"
    assert again.ruling.suspicion[7] == 0.5


def test_who_is_absent_keeps_its_record():
    first = SirenPlus().screen(replies([0.9, 0.1, 0.9], [True] * 3), {})
    ruling = SirenPlus().screen(replies([0.9], [False], clients=(4,)), first.memory).ruling
    assert ruling.suspicion == {4: 0, 7: 1, 9: 0}
    assert set(ruling.verdicts) == {4}


def test_it_needs_a_root_test_set():
    bare = replies([0.9], [False], clients=(4,))._replace(server=None)
    with pytest.raises(InvalidConfig, match="`server` must hold the root test set for SirenPlus; found None"):
        SirenPlus().screen(bare, {})
    assert SirenPlus().asks == {"accuracies"}


def test_what_is_accepted_is_averaged():
    assert SirenPlus().rule == Mean()
    assert SirenPlus(weighting="examples").rule == Mean(weighting="examples")
