"""PoisonedFL by hand: the model moved by (3, 4), and nothing was sent before."""

from dataclasses import replace

import pytest
import torch

from fedprop.attacks import PoisonedFL


def rows(*values):
    return torch.tensor(values, dtype=torch.float64)


def state(**changes):
    known = {"signs": rows(1.0, -1.0), "factor": 8.0, "sent": rows(0.0, 0.0), "since": rows(0.0, 0.0), "rounds": 3}
    return {**known, **changes}


@pytest.fixture
def moved(view):
    return replace(view([[9.0, 9.0]] * 2, origin=[3.0, 4.0]), past=rows([0.0, 0.0]), state=state())


def test_signs_times_how_honest_clients_move_each_weight(moved):
    """V is (0.6, 0.8), lambda 8 times 5."""
    assert PoisonedFL().craft(moved)[0].tolist() == pytest.approx([24.0, -32.0])
    assert PoisonedFL().craft(moved)[1].tolist() == pytest.approx([24.0, -32.0])


def test_its_own_share_of_the_change_is_left_out(moved):
    """What was sent, at the length 5 of the change, is (5, 0): (-2, 4) is left of (3, 4), and v is (1, 2) / sqrt(5)."""
    seen = replace(moved, state=state(sent=rows(2.0, 0.0)))
    assert PoisonedFL().craft(seen)[0].tolist() == pytest.approx([40 / 5**0.5, -80 / 5**0.5])


def test_signs_are_drawn_once_and_at_first_zeros_are_sent(view):
    first = PoisonedFL().answer(view([[1.0] * 400]))
    assert not first.rows.any()
    signs = first.state["signs"]
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert abs(float(signs.sum())) < 80
    later = replace(view([[1.0] * 400], seed=5), state=first.state)
    assert torch.equal(PoisonedFL().answer(later).state["signs"], signs)


def test_the_second_round_goes_on_from_the_first_in_which_no_model_was_known(view):
    """Torch's default dtype is not that of what is remembered."""
    first = PoisonedFL().answer(view([[0.0, 0.0]], dtype=torch.float32))
    seen = replace(view([[0.0, 0.0]], origin=[3.0, 4.0], dtype=torch.float32), past=torch.zeros(1, 2))
    second = PoisonedFL().answer(replace(seen, state=first.state))
    assert second.rows[0].abs().tolist() == pytest.approx([24.0, 32.0])


@pytest.mark.parametrize(("agreeing", "factor", "expected"), [(70, 8.0, 8.0), (55, 8.0, 5.6), (55, 0.6, 0.6)])
def test_where_the_model_does_not_follow_it_is_pushed_less(view, agreeing, factor, expected):
    """Of 100 weights, 61.6 is the 99 % quantile of chance."""
    origin = [1.0] * agreeing + [-1.0] * (100 - agreeing)
    zero = torch.zeros(100, dtype=torch.float64)
    known = {"signs": zero + 1, "factor": factor, "sent": zero, "since": zero, "rounds": 50}
    reply = PoisonedFL().answer(replace(view([[0.0] * 100], origin=origin), state=known))
    assert reply.state["factor"] == pytest.approx(expected)
    assert reply.state["rounds"] == 1
    assert torch.equal(reply.state["since"], torch.tensor(origin, dtype=torch.float64))
