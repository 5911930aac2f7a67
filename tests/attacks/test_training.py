"""The attackers' own training, on a line where every step is known."""

import pytest
import torch

from fedprop.attacks.training import trained


class Ruler:
    """The gradient is the way from the mean of the inputs: what is learnt is that mean."""

    def __init__(self):
        self.batches = []

    def gradient(self, parameters, x, y):
        self.batches.append(sorted(x.tolist()))
        return parameters - x.mean()


def run(x, **changes):
    tools, start = Ruler(), torch.tensor([8.0])
    settings = {"epochs": 1, "lr": 0.5, "batch_size": 9, "generator": torch.Generator().manual_seed(0), **changes}
    model = trained(tools, start, torch.tensor(x), torch.zeros(len(x), dtype=torch.int64), **settings)
    assert start.tolist() == [8.0]
    return model.item(), tools.batches


def test_each_step_goes_half_the_way():
    """From 8 towards 2: 5, then 3.5."""
    assert run([0.0, 4.0], epochs=2)[0] == pytest.approx(3.5)


def test_an_epoch_sees_each_example_once_in_batches_of_the_size_asked_for():
    _, batches = run([0.0, 1.0, 2.0, 3.0, 4.0], batch_size=2, epochs=2)
    assert [len(batch) for batch in batches] == [2, 2, 1] * 2
    for epoch in (batches[:3], batches[3:]):
        assert sorted(value for batch in epoch for value in batch) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert batches[:3] != batches[3:]


def test_a_hook_has_the_gradient_and_the_model():
    """The gradient at 8 is 6, and the hook adds the model: 8 - 0.5 * 14."""
    assert run([2.0], hook=lambda model, gradient: gradient + model)[0] == pytest.approx(1.0)


def test_a_projection_has_the_last_word_after_each_step():
    """5, held at 6 or more; then 4, held at 6 again."""
    assert run([2.0], epochs=2, project=lambda model: model.clamp(min=6.0))[0] == pytest.approx(6.0)
