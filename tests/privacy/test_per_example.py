"""Our private gradients against opacus's own optimizer, which knows neither empty batches nor noise from the CPU."""

import pytest
import torch
from opacus.grad_sample import GradSampleModule
from opacus.optimizers import DPOptimizer
from torch import nn
from torch.nn.functional import cross_entropy

from fedprop.privacy import LocalPrivacy, QuantileClipping
from fedprop.privacy.per_example import PerExample, PrivateGradients

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.tensor([0, 1, 2, 0, 1, 2])


def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()


def ours(privacy, batch=4, module=None):
    module = module or model()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(7)
    return module, PrivateGradients(PerExample(module), optimizer, privacy, batch=batch, generator=generator)


def gradient(module):
    return torch.cat([p.grad.flatten() for p in module.parameters()])


def each(module):
    """The gradients of all examples, one after the other [6, d]."""
    rows = []
    for x, y in zip(X, Y, strict=True):
        module.zero_grad()
        cross_entropy(module(x[None]), y[None]).backward()
        rows.append(gradient(module))
    return torch.stack(rows)


def test_opacus_alone_finds_the_same_gradient_and_noise():
    privacy = LocalPrivacy(noise_multiplier=0.7, clip_norm=0.5)
    module, gradients = ours(privacy)
    theirs = model()
    optimizer = DPOptimizer(
        torch.optim.SGD(theirs.parameters(), lr=0.1),
        noise_multiplier=0.7,
        max_grad_norm=0.5,
        expected_batch_size=4,
        generator=torch.Generator().manual_seed(7),
    )
    wrapped = GradSampleModule(theirs)
    for _ in range(2):
        gradients.differentiate(X, Y)
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(wrapped(X.clone().requires_grad_()), Y).backward()
        optimizer.pre_step()
        torch.testing.assert_close(gradient(module), gradient(theirs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("clip", [0.3, 1.0, 100.0])
def test_each_example_is_clipped_and_the_sum_divided_by_the_expected_batch(clip):
    module, gradients = ours(LocalPrivacy(noise_multiplier=1e-9, clip_norm=clip))
    rows = each(model())
    wanted = (rows * (clip / rows.norm(dim=1, keepdim=True)).clamp(max=1)).sum(0) / 4
    gradients.differentiate(X, Y)
    torch.testing.assert_close(gradient(module), wanted, rtol=1e-4, atol=1e-7)


def test_an_empty_batch_is_noise_alone():
    module, gradients = ours(LocalPrivacy(noise_multiplier=2.0, clip_norm=0.5))
    gradients.differentiate(X[:0], Y[:0])
    draw = torch.Generator().manual_seed(7)
    noise = [torch.randn(p.shape, generator=draw, dtype=p.dtype).flatten() for p in module.parameters()]
    torch.testing.assert_close(gradient(module), 2.0 * 0.5 * torch.cat(noise) / 4)


@pytest.mark.parametrize("taken", [0, 6])
def test_the_clipping_norm_follows_its_quantile(taken):
    """With hardly any noise: an empty batch counts as half fitting, and six examples that fit as six."""
    quantile = QuantileClipping(quantile=0.0, rate=1.0, count_noise=1e-6)
    module, gradients = ours(LocalPrivacy(noise_multiplier=1e-9, clip_norm=100.0, quantile=quantile), batch=6)
    gradients.differentiate(X[:taken], Y[:taken])
    share = 0.5 + (taken - taken / 2) / 6
    assert gradients.clip_norm == pytest.approx(100.0 * torch.tensor(-share).exp().item(), rel=1e-5)
    assert gradient(module).isfinite().all()


def test_the_norm_at_which_half_the_gradients_fit_is_found():
    """A larger batch of the same six examples leaves room for little noise; C settles at their median norm."""
    quantile = QuantileClipping(quantile=0.5, rate=0.5)
    _, gradients = ours(LocalPrivacy(noise_multiplier=1e-3, clip_norm=30.0, quantile=quantile), batch=300)
    for _ in range(60):
        gradients.differentiate(X.repeat(50, 1), Y.repeat(50))
    norms = each(model()).norm(dim=1).sort().values
    assert norms[1] < gradients.clip_norm < norms[4]


def test_the_vector_that_stands_for_padding_has_no_gradient_but_noise():
    """As one example after the other in torch; integer inputs, which have no gradients, are no reason for a warning."""
    ids = torch.tensor([[0, 1], [2, 0], [3, 0]])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Embedding(4, 2, padding_idx=0), nn.Flatten(), nn.Linear(4, 3)).double()
    wanted = []
    for x, y in zip(ids, Y[:3], strict=True):
        module.zero_grad()
        cross_entropy(module(x[None]), y[None]).backward()
        wanted.append(gradient(module))
    _, gradients = ours(LocalPrivacy(noise_multiplier=1e-12, clip_norm=100.0), batch=3, module=module)
    gradients.differentiate(ids, Y[:3])
    assert not module[0].weight.grad[0].abs().max() > 1e-9
    torch.testing.assert_close(gradient(module), torch.stack(wanted).mean(0), rtol=1e-9, atol=1e-9)
