from dataclasses import replace

import pytest
import torch

from fedprop.attacks import MPAF


def test_every_round_pulls_to_the_same_base(view):
    """With lambda 1 the model sent is w' itself."""
    attack = MPAF(lambda_=1.0)
    first = view([[3.0, 3.0]] * 2, origin=[1.0, -2.0])
    reply = attack.answer(first)
    later = replace(view([[4.0, 4.0]], origin=[5.0, 5.0], seed=9), state=reply.state)
    base = first.origin + reply.rows[0]
    assert torch.allclose(later.origin + attack.craft(later)[0], base)
    assert torch.equal(reply.rows[0], reply.rows[1])
    assert torch.allclose(reply.state, base)


def test_the_pull_is_scaled(view):
    seen = replace(view([[0.0]], origin=[1.0]), state=torch.tensor([1.5], dtype=torch.float64))
    assert MPAF(lambda_=1000.0).craft(seen).item() == 500.0


def test_the_base_is_as_spread_as_weights_are(view):
    seen = view([[0.0] * 4000])
    assert MPAF(lambda_=1.0, deviation=0.2).craft(seen).std().item() == pytest.approx(0.2, rel=0.05)


def test_history_goes_back_where_the_model_came_from(view):
    seen = view([[0.0, 0.0]], origin=[4.0, 2.0])
    assert MPAF(pulls="history").craft(seen).tolist() == [[0.0, 0.0]]
    later = replace(seen, past=torch.tensor([[1.0, -2.0]], dtype=torch.float64))
    assert MPAF(pulls="history", lambda_=10.0).craft(later).tolist() == [[-30.0, -40.0]]


def test_what_is_no_weight_is_honest(view):
    seen = replace(view([[7.0, 8.0]], origin=[1.0, 1.0]), buffers=1)
    assert MPAF().craft(seen)[0, 1].item() == 8.0
