"""What holds for every model."""

import pytest
import torch
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from fedprop.data import Digits
from fedprop.models import MODELS, ModelSpec
from fedprop.params import ParameterLayout


def state(module):
    return ParameterLayout.of(module).flatten(module)


def test_every_kind_is_registered_under_its_name():
    papers = {"fang_dnn", "shi_cnn", "siren_cnn", "siren_dp_cnn", "resnet18", "resnet20"}
    assert {"logistic_regression", "mlp", *papers} <= set(MODELS.kinds)
    assert all(issubclass(cls, ModelSpec) for cls in MODELS.kinds.values())


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (2, 9, 13)])
def test_inputs_become_logits(spec, shape):
    module = spec.build(shape, 7, seed=0)
    logits = module(torch.rand(2, *shape))
    assert logits.shape == (2, 7)
    assert not torch.allclose(logits.exp().sum(1), torch.ones(2))


def test_the_seed_alone_decides_the_start(spec):
    torch.manual_seed(1)
    first = state(spec.build((1, 8, 8), 10, seed=5))
    torch.manual_seed(2)
    assert torch.equal(first, state(spec.build((1, 8, 8), 10, seed=5)))
    other = state(spec.build((1, 8, 8), 10, seed=6))
    assert torch.equal(first, other) == (spec.kind == "logistic_regression")


def test_building_leaves_the_global_generator_alone(spec):
    before = torch.random.get_rng_state()
    spec.build((1, 8, 8), 10, seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.gpu
def test_building_leaves_the_gpu_generator_alone(spec):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    before = torch.cuda.get_rng_state()
    spec.build((1, 8, 8), 10, seed=0)
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_many_models_train_in_one_pass_as_they_do_one_by_one(spec):
    module = spec.build((1, 8, 8), 3, seed=0).double()
    layout = ParameterLayout.of(module)
    stream = torch.Generator().manual_seed(0)
    vectors = torch.stack([state(spec.build((1, 8, 8), 3, seed=i).double()) for i in range(3)])
    x = torch.rand(3, 4, 1, 8, 8, generator=stream, dtype=torch.float64)
    y = torch.randint(3, (3, 4), generator=stream)

    def loss(vector, x, y):
        return cross_entropy(functional_call(module, layout.views(vector), (x,)), y)

    together = vmap(grad(loss))(vectors, x, y)
    assert together.abs().sum() > 0
    for i in range(3):
        layout.load(module, vectors[i])
        module.zero_grad()
        cross_entropy(module(x[i]), y[i]).backward()
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(together[i][layout.slices[name]].view_as(parameter), parameter.grad)


def test_a_few_steps_on_digits_reduce_the_loss(spec):
    data = Digits(train_size=64).load(None, seed=0)
    module = spec.build(data.shape, data.classes, seed=0)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = cross_entropy(module(data.train.x), data.train.y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
