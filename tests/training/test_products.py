import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.nn.functional import embedding, linear

from fedprop.training.products import StackedLayers


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_means_the_same(bias):
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(5, 7, 4, generator=draw, dtype=torch.float64)
    stack = {"weight": torch.randn(5, 3, 4, generator=draw, dtype=torch.float64)}
    if bias:
        stack["bias"] = torch.randn(5, 3, generator=draw, dtype=torch.float64)
    stack = {name: value.requires_grad_() for name, value in stack.items()}
    module, answers = nn.Linear(4, 3, bias=bias), []
    for mode in (StackedLayers(), torch.enable_grad()):
        with mode:
            logits = vmap(lambda params, x: functional_call(module, params, (x,)))(stack, x)
        answers.append((logits, *torch.autograd.grad(logits.square().sum(), list(stack.values()))))
    for found, wanted in zip(*answers, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("shape", [(4,), (2, 5, 4)])
def test_inputs_that_are_no_batch_of_vectors_go_the_usual_way(shape):
    x, weight = torch.ones(shape), torch.arange(12.0).view(3, 4)
    with StackedLayers():
        assert torch.equal(linear(x, weight), x @ weight.T)
        assert torch.equal(linear(input=x, weight=weight), x @ weight.T)


@pytest.mark.parametrize("padding", [None, 0, -2])
def test_no_client_of_a_stack_has_a_gradient_for_its_padding(padding):
    draw = torch.Generator().manual_seed(0)
    weights = torch.randn(3, 5, 2, generator=draw, dtype=torch.float64).requires_grad_()
    ids = torch.tensor([[0, 1, 3], [3, 0, 0], [4, 0, 3]])
    with StackedLayers():
        found = vmap(lambda weight, x: embedding(x, weight, padding))(weights, ids)
    wanted = torch.stack([embedding(x, weight, padding) for weight, x in zip(weights, ids, strict=True)])
    assert torch.equal(found, wanted)
    assert torch.equal(*(torch.autograd.grad(out.pow(2).sum(), weights)[0] for out in (found, wanted)))
    with StackedLayers():
        assert torch.equal(embedding(ids[0], weight=weights[0], padding_idx=padding), wanted[0])
