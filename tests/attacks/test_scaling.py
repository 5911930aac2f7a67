from dataclasses import replace

from fedprop.attacks import Scaling


def test_an_update_is_multiplied(view):
    assert Scaling(factor=5.0).craft(view([[1.0, -2.0]])).tolist() == [[5.0, -10.0]]


def test_two_of_ten_multiply_by_five_and_the_mean_moves_by_theirs(view):
    seen = replace(view([[1.0, 0.0], [3.0, 2.0]]), received=10)
    sent = Scaling().craft(seen)
    assert sent.tolist() == [[5.0, 0.0], [15.0, 10.0]]
    assert (sent.sum(dim=0) / 10).tolist() == [2.0, 1.0]


def test_more_attackers_than_updates_scale_nothing(view):
    assert Scaling().craft(replace(view([[1.0], [2.0]]), received=1)).tolist() == [[1.0], [2.0]]
