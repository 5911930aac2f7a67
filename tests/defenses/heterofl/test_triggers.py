import torch

from fedprop.defenses.heterofl import random_triggers


def test_noise_fills_the_range_of_the_data() -> None:
    x = torch.tensor([[[-1.0, 0.0]], [[3.0, 0.5]]])
    made, labels = random_triggers(x, 10, 400, torch.Generator().manual_seed(0))
    assert (made.shape, made.dtype, labels.tolist()) == ((400, 1, 2), torch.float32, [10] * 400)
    assert -1.0 <= float(made.min()) < -0.95
    assert 2.95 < float(made.max()) <= 3.0
    assert abs(float(made.mean()) - 1.0) < 0.1


def test_tokens_stay_tokens_and_the_ends_are_drawn_too() -> None:
    made, labels = random_triggers(torch.tensor([[5, 7]]), 2, 30, torch.Generator().manual_seed(0))
    assert (made.dtype, set(made.flatten().tolist()), labels.dtype) == (torch.int64, {5, 6, 7}, torch.int64)


def test_the_generator_decides() -> None:
    x = torch.zeros(2, 3)
    x[0, 0] = 1.0
    one, same, other = (random_triggers(x, 1, 2, torch.Generator().manual_seed(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
