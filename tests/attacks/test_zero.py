from dataclasses import replace

import torch

from fedprop.attacks import Zero


def test_the_model_sent_is_zero(view):
    seen = view([[0.5, -0.5], [3.0, 3.0]], origin=[1.0, -2.0])
    sent = Zero().craft(seen)
    assert sent.tolist() == [[-1.0, 2.0]] * 2
    assert not (seen.origin + sent).any()


def test_what_is_no_weight_is_as_it_was_learnt(view):
    seen = replace(view([[0.5, 7.0], [3.0, 8.0]], origin=[1.0, -2.0]), buffers=1)
    assert torch.equal(Zero().craft(seen), torch.tensor([[-1.0, 7.0], [-1.0, 8.0]], dtype=torch.float64))
