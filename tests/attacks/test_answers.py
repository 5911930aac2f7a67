"""An attack's answer is looked at before it is sent."""

from typing import Any, ClassVar

import pytest
import torch

from fedprop.attacks import Attack
from fedprop.attacks.answers import alarmed, replied
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
    assert replied(Malformed(made=lambda own: own.half() * torch.nan), seen).dtype is torch.float16
    with pytest.raises(WrongAnswer, match=r"found a tensor of shape \[1, 1\]"):
        replied(Malformed(made=lambda own: own[1:]), seen)


def test_gradients_are_left_behind(view):
    rows = replied(Own(made=lambda own: own.clone().requires_grad_()), view([[1.0]]))
    assert not rows.requires_grad


def test_an_alarm_is_raised_or_not(monkeypatch):
    assert alarmed(Own(made=None, alarms="inverted"), False) is True
    monkeypatch.setattr(Own, "says", lambda self, alarm: None)
    with pytest.raises(WrongAnswer, match="the attack Own must say True or False of a model; found NoneType"):
        alarmed(Own(made=None), True)
