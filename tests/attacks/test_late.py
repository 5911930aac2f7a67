import math

import torch

from fedprop.attacks import Late


def test_rows_and_counts_are_honest_and_the_delay_is_not(view):
    seen = view([[1.0], [2.0]])
    reply = Late(seconds=2.5).answer(seen)
    assert torch.equal(reply.rows, seen.own)
    assert reply.examples == seen.examples
    assert reply.lateness == (2.5, 2.5)


def test_silence_is_a_delay_without_end(view):
    assert Late(seconds=None).answer(view([[1.0]])).lateness == (math.inf,)
