"""An attack's answer is looked at before it is sent."""

from typing import Any, ClassVar

import pytest
import torch

from fedprop.attacks import Attack
from fedprop.attacks.answers import replied, reported
from fedprop.errors import WrongAnswer


class Own(Attack):
    """Answers with whatever `made` makes of its own rows."""

    kind: str = "own"
    made: Any

    def craft(self, view):
        return self.made(view.own)


class Malformed(Own):
    malformed: ClassVar[bool] = True


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (lambda own: own[1:], r"of shape \[2, 2\], torch.float64, on cpu; found a tensor of shape \[1, 2\]"),
        (lambda own: own[0], r"found a tensor of shape \[2\]"),
        (lambda own: own.float(), "found .* torch.float32"),
        (lambda own: own.to("meta"), "found .* on meta"),
        (lambda own: own.numpy(), "found ndarray"),
        (list, "found list"),
        (lambda own: None, "found NoneType"),
    ],
)
def test_anything_but_one_row_each_is_named(view, made, found):
    with pytest.raises(WrongAnswer, match=f"the attack Own must answer with rows .*{found}"):
        replied(Own(made=made), view([[1.0, 2.0], [3.0, 4.0]]))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_rows_that_are_not_finite_are_named(view, bad):
    with pytest.raises(WrongAnswer, match=r"must answer with finite rows; found NaN or infinity in rows \[1\]"):
        replied(Own(made=lambda own: own * torch.tensor([[1.0], [bad]])), view([[1.0], [1.0]]))


def test_a_malformed_attack_means_it_but_answers_for_everybody(view):
    seen = view([[1.0], [1.0]])
    assert replied(Malformed(made=lambda own: own.half() * torch.nan), seen).rows.dtype is torch.float16
    with pytest.raises(WrongAnswer, match=r"found a tensor of shape \[1, 1\]"):
        replied(Malformed(made=lambda own: own[1:]), seen)


def test_gradients_are_left_behind(view):
    rows = replied(Own(made=lambda own: own.clone().requires_grad_()), view([[1.0]])).rows
    assert not rows.requires_grad


def test_an_alarm_is_raised_or_not(monkeypatch):
    assert reported(Own(made=None, reports="inverted"), False) is True
    monkeypatch.setattr(Own, "report", lambda self, truth: None)
    with pytest.raises(WrongAnswer, match="the attack Own must report True or False; found NoneType"):
        reported(Own(made=None), True)


class Says(Own):
    """Answers with its own rows, and claims and waits as it is told."""

    made: Any = lambda own: own
    claims: Any = (1, 1)
    delays: Any = (0.0, 0.0)

    def claim(self, view):
        return self.claims

    def delay(self, view):
        return self.delays


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"claims": (1,)}, "must claim a number of examples for each of 2 clients; found 1"),
        ({"claims": (1, 0)}, r"an integer of examples from 1 to 2\*\*63 - 1; found 0"),
        ({"claims": (1, 2**63)}, r"an integer of examples from 1 .*; found 9223372036854775808"),
        ({"claims": (1, 2.0)}, "an integer of examples .*; found float"),
        ({"claims": (True, 2)}, "an integer of examples .*; found bool"),
        ({"delays": (1.0,)}, "must delay the answer of each of 2 clients; found 1 delays"),
        ({"delays": (0.0, -1.0)}, "by a number of seconds, 0 or more; found -1.0"),
        ({"delays": (float("nan"), 0)}, "by a number of seconds, 0 or more; found nan"),
        ({"delays": (None, 0)}, "by a number of seconds, 0 or more; found NoneType"),
    ],
)
def test_claims_and_delays_that_cannot_be_are_named(view, said, found):
    with pytest.raises(WrongAnswer, match=f"the attack Says .*{found}"):
        replied(Says(**said), view([[1.0], [2.0]]))


def test_claims_and_delays_are_taken_as_they_are(view):
    reply = replied(Says(claims=[2**63 - 1, 1], delays=[float("inf"), 3]), view([[1.0], [2.0]]))
    assert reply.examples == (2**63 - 1, 1)
    assert reply.lateness == (float("inf"), 3)


def test_a_malformed_attack_may_claim_what_no_server_accepts(view):
    class Absurd(Says):
        malformed: ClassVar[bool] = True

    assert replied(Absurd(claims=(0, -5)), view([[1.0], [2.0]])).examples == (0, -5)
    with pytest.raises(WrongAnswer, match="found 9223372036854775808"):
        replied(Absurd(claims=(0, 2**63)), view([[1.0], [2.0]]))
