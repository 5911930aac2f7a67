"""Mimicry by hand: two groups of honest clients along one axis, and a little scatter along another."""

from dataclasses import replace

import pytest
import torch

from fedprop.attacks import Mimic

HONEST = [[5.0, 0.1], [5.0, -0.1], [-5.0, 0.1], [-5.0, -0.1], [4.0, 0.0]]


def rounds(view, attack, many, **changes):
    state, sent = None, []
    for round in range(many):
        seen = replace(view([[0.0, 0.0]] * 2, HONEST), state=state, round=round, **changes)
        reply = attack.answer(seen)
        state = reply.state
        sent.append(reply.rows.tolist())
    return state, sent


def test_everybody_sends_the_row_of_one_honest_client_at_the_end_of_the_axis(view):
    state, sent = rounds(view, Mimic(warm_up=8), 8)
    z = state["z"]
    assert abs(float(z[0])) > 0.99
    assert float(z.norm()) == 1
    assert sent[-1] in ([HONEST[0]] * 2, [HONEST[1]] * 2, [HONEST[2]] * 2, [HONEST[3]] * 2)


def test_the_first_step_by_hand(view):
    """Rows 1 and 3 on a line: their mean is 2, and z stays a direction of length 1."""
    reply = Mimic().answer(view([[0.0]], [[1.0], [3.0]]))
    assert reply.state["t"] == 1
    assert reply.state["mu"].tolist() == [2.0]
    assert abs(reply.state["z"].item()) == 1
    assert reply.rows.item() == (3.0 if reply.state["z"].item() > 0 else 1.0)


def test_afterwards_the_same_client_is_copied_wherever_its_row_stands(view):
    state, _ = rounds(view, Mimic(warm_up=2), 2)
    moved = view([[0.0, 0.0]], [[7.0, 7.0], [8.0, 8.0], [9.0, 9.0]])
    target = state["target"]
    seen = replace(moved, state=state, benign_clients=(41, target, 42))
    assert Mimic(warm_up=2).craft(seen).tolist() == [[8.0, 8.0]]
    gone = replace(moved, state=state, benign_clients=(41, 40, 42))
    answer = Mimic(warm_up=2).answer(gone)
    assert answer.rows.tolist() in ([[7.0, 7.0]], [[9.0, 9.0]])
    back = replace(seen, state=answer.state)
    assert Mimic(warm_up=2).craft(back).tolist() == [[8.0, 8.0]]


def test_without_a_warm_up_the_target_never_changes(view):
    state, sent = rounds(view, Mimic(warm_up=0), 3)
    assert sent[0] == sent[1] == sent[2]
    assert not state["mu"].any()


def test_the_mean_of_all_rounds_counts_each_as_much(view):
    """On a line with the means 2, 5 and 11: after two rounds 3.5, after three 6."""
    attack, state, found = Mimic(warm_up=3), None, []
    for rows in ([[1.0], [3.0]], [[4.0], [6.0]], [[10.0], [12.0]], [[50.0], [60.0]]):
        state = attack.answer(replace(view([[0.0]], rows), state=state)).state
        found.append(state["mu"].item())
    assert found == pytest.approx([2.0, 3.5, 6.0, 6.0])


def test_the_direction_is_a_mean_of_steps_too(view):
    """The second step points along the second axis and counts one half, as does what was found along the first."""
    first = Mimic().answer(view([[0.0, 0.0]], [[1.0, 0.0], [-1.0, 0.0]])).state
    after = Mimic().answer(replace(view([[0.0, 0.0]], [[1.0, 1.0], [-1.0, -1.0]]), state=first)).state
    assert first["z"].abs().tolist() == [1.0, 0.0]
    wanted = torch.tensor([1 + 0.5**0.5, 0.5**0.5], dtype=torch.float64)
    torch.testing.assert_close(after["z"].abs(), wanted / wanted.norm())


def test_the_target_is_settled_with_the_last_round_of_the_warm_up(view):
    """Whoever is at the end of the widest axis is copied in rounds 0 and 1, and from then on for ever."""
    attack, state, targets = Mimic(warm_up=2), None, []
    ends = ([9.0, 1.0, -3.0], [1.0, 9.0, -3.0], [-3.0, 1.0, 9.0], [9.0, -3.0, 1.0])
    for end in ends:
        rows = [[10 * value, 0.0] for value in end]
        known = None if state is None else {**state, "z": torch.tensor([1.0, 0.0], dtype=torch.float64)}
        state = attack.answer(replace(view([[0.0, 0.0]], rows), state=known)).state
        targets.append(state["target"])
    assert targets[1:] == [2, 2, 2]
