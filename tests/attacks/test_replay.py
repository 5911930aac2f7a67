from dataclasses import replace

from fedprop.attacks import Replay


def test_each_client_sends_what_it_learnt_two_tasks_ago(view):
    state, sent = None, []
    for task in range(4):
        seen = replace(view([[float(task)], [10.0 + task]]), clients=(7, 3), state=state)
        reply = Replay(age=2).answer(seen)
        state = reply.state
        sent.append(reply.rows.flatten().tolist())
    assert sent == [[0.0, 10.0], [0.0, 10.0], [0.0, 10.0], [1.0, 11.0]]
    assert sorted(state) == [3, 7]
    assert [len(kept) for kept in state.values()] == [2, 2]


def test_what_is_remembered_belongs_to_the_client_and_not_to_its_place(view):
    first = Replay(age=1).answer(replace(view([[1.0], [2.0]]), clients=(7, 3)))
    turned = replace(view([[5.0], [6.0], [8.0]]), clients=(3, 7, 4), examples=(1, 1, 1), state=first.state)
    assert Replay(age=1).craft(turned).flatten().tolist() == [2.0, 1.0, 8.0]


def test_what_is_remembered_stays_as_it_was_when_the_rows_are_reused(view):
    seen = replace(view([[1.0], [2.0]]), clients=(7, 3))
    state = Replay(age=1).answer(seen).state
    seen.own.zero_()
    assert [kept[0].item() for kept in (state[7], state[3])] == [1.0, 2.0]
