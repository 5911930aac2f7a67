"""Uniform draws of reach r have the deviation r / sqrt(3)."""

import pytest
import torch

from fedprop.attacks import RandomWeights


def test_weights_are_uniform_whatever_was_received_and_learnt(view):
    seen = view([[7.0, 100.0]] * 3000, origin=[5.0, -3.0])
    models = RandomWeights(scale=2.0).craft(seen) + seen.origin
    assert -2 <= float(models.min()) < float(models.max()) < 2
    assert models.mean(dim=0).tolist() == pytest.approx([0.0, 0.0], abs=0.1)
    assert models.std(dim=0).tolist() == pytest.approx([2 / 3**0.5] * 2, abs=0.05)
    assert len(models.unique()) == models.numel()


def test_updates_are_normal(view):
    sent = RandomWeights(of="update", law="normal", scale=200.0).craft(view([[7.0]] * 3000, origin=[5.0]))
    assert sent.mean().item() == pytest.approx(0, abs=12)
    assert sent.std().item() == pytest.approx(200, abs=10)


def test_who_draws_beyond_its_reach_is_caught(view):
    seen = view([[0.0]], origin=[3.0])
    for of, low, high in (("model", -4.0, -2.0), ("update", -1.0, 1.0)):
        [limit] = RandomWeights(of=of).constraints()
        for value in (low, high):
            assert limit.broken(seen, torch.tensor([[value]], dtype=torch.float64)) is None
            out = value + 0.01 * (value - (low + high) / 2)
            assert "is allowed" in limit.broken(seen, torch.tensor([[out]], dtype=torch.float64))
    assert RandomWeights(law="normal").constraints() == ()
