import re

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(4, 4, bias=False)
        self.decode = nn.Linear(4, 4, bias=False)
        self.decode.weight = self.encode.weight

    def forward(self, x):
        return self.decode(torch.tanh(self.encode(x)))


class Buffered(nn.Module):
    def __init__(self, **buffers):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        for name, value in buffers.items():
            self.register_buffer(name, value)


@pytest.fixture
def convnet():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))


def same_state(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_parameters_come_first_then_buffers_without_gaps(convnet):
    layout = ParameterLayout.of(convnet)
    assert [e.name for e in layout.entries] == [
        *("0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias"),
        *("1.running_mean", "1.running_var", "1.num_batches_tracked"),
    ]
    assert [e.start for e in layout.entries] == [0, *(e.stop for e in layout.entries[:-1])]
    assert layout.size == sum(v.numel() for v in convnet.state_dict().values())
    assert layout.slices["1.running_var"] == slice(layout.size - 3, layout.size - 1)


def test_load_undoes_flatten_with_batchnorm_and_its_integer_counter(convnet):
    convnet(torch.randn(4, 1, 8, 8))
    convnet(torch.randn(4, 1, 8, 8))
    before = {k: v.clone() for k, v in convnet.state_dict().items()}
    layout = ParameterLayout.of(convnet)
    vector = layout.flatten(convnet)
    assert vector[layout.slices["1.num_batches_tracked"]].tolist() == [2.0]
    layout.load(convnet, torch.zeros(layout.size))
    assert not same_state(before, convnet.state_dict())
    layout.load(convnet, vector)
    assert same_state(before, convnet.state_dict())
    assert convnet[1].num_batches_tracked.dtype == torch.int64


def test_flatten_is_a_detached_copy(convnet):
    layout = ParameterLayout.of(convnet)
    vector = layout.flatten(convnet)
    before = vector.clone()
    vector.zero_()
    assert not vector.requires_grad
    assert torch.equal(layout.flatten(convnet), before)


def test_tied_parameters_appear_once_and_stay_tied():
    module = Tied()
    layout = ParameterLayout.of(module)
    assert layout.size == 16
    layout.load(module, torch.arange(16.0))
    assert module.decode.weight is module.encode.weight
    assert torch.equal(module.decode.weight.flatten(), torch.arange(16.0))
    x = torch.randn(3, 4)
    assert torch.equal(functional_call(module, layout.views(layout.flatten(module)), (x,)), module(x))


def test_buffers_that_are_not_persistent_stay_out():
    module = Buffered(kept=torch.ones(3))
    module.register_buffer("mask", torch.full((5,), -torch.inf), persistent=False)
    assert [e.name for e in ParameterLayout.of(module).entries] == ["weight", "kept"]


def test_running_variances_are_known_by_their_name():
    module = nn.Sequential(nn.BatchNorm1d(2), nn.InstanceNorm1d(3, track_running_stats=True), nn.LayerNorm(4))
    layout = ParameterLayout.of(module)
    vector = layout.flatten(module)
    vector[layout.variances] = -7.0
    layout.load(module, vector)
    assert int(layout.variances.sum()) == 5
    assert [module[0].running_var.tolist(), module[1].running_var.tolist()] == [[-7.0] * 2, [-7.0] * 3]
    assert not ParameterLayout.of(Buffered(running_variance=torch.ones(2))).variances.any()


def test_only_parameters_that_require_a_gradient_are_trainable(convnet):
    convnet[0].bias.requires_grad_(False)
    layout = ParameterLayout.of(convnet)
    mask = layout.trainable
    assert mask.dtype == torch.bool
    assert mask.shape == (layout.size,)
    for entry in layout.entries:
        expected = not entry.buffer and entry.name != "0.bias"
        assert mask[entry.start : entry.stop].eq(expected).all(), entry.name
        assert layout.fixed[entry.start : entry.stop].eq(entry.name == "0.bias").all(), entry.name


@pytest.mark.parametrize(
    ("dtypes", "wanted"),
    [
        ((torch.float32, torch.float32), torch.float32),
        ((torch.float64, torch.float64), torch.float64),
        ((torch.float16, torch.bfloat16), torch.float32),
        ((torch.float16, torch.float64), torch.float64),
    ],
)
def test_the_vector_is_wide_enough_for_every_tensor(dtypes, wanted):
    module = nn.Sequential(*(nn.Linear(2, 2).to(dtype) for dtype in dtypes))
    layout = ParameterLayout.of(module)
    vector = layout.flatten(module)
    assert vector.dtype == layout.dtype == wanted
    before = {k: v.clone() for k, v in module.state_dict().items()}
    layout.load(module, torch.zeros_like(vector))
    layout.load(module, vector)
    assert same_state(before, module.state_dict())
    assert [e.dtype for e in layout.entries] == [dtypes[0]] * 2 + [dtypes[1]] * 2


def test_parameters_are_views_and_buffers_are_copies(convnet):
    layout = ParameterLayout.of(convnet)
    vector = layout.flatten(convnet)
    params, buffers = layout.views(vector)
    params["0.bias"].fill_(7)
    buffers["1.running_mean"].fill_(9)
    assert vector[layout.slices["0.bias"]].eq(7).all()
    assert vector[layout.slices["1.running_mean"]].eq(0).all()


def test_integers_are_rounded_and_a_hostile_vector_cannot_overflow_them():
    module = Buffered(
        count=torch.tensor(0),
        byte=torch.tensor(0, dtype=torch.uint8),
        flag=torch.tensor([False, False]),
    )
    layout = ParameterLayout.of(module)
    layout.load(module, torch.tensor([0.0, 0.0, 2.6, 3.4, 0.2, 0.9]))
    assert (int(module.count), int(module.byte), module.flag.tolist()) == (3, 3, [False, True])
    layout.load(module, torch.tensor([0.0, 0.0, 1e30, -1e30, 1e30, -1e30]))
    assert (int(module.count), int(module.byte), module.flag.tolist()) == (2**24, 0, [True, False])
    layout.load(module, torch.tensor([0.0, 0.0, -torch.inf, torch.inf, 0.0, 0.0]))
    assert (int(module.count), int(module.byte)) == (-(2**24), 255)


def test_an_integer_too_large_for_the_vector_is_refused():
    module = Buffered(count=torch.tensor([1, -(2**24) - 1]))
    message = r"'count' must lie within \+-16777216 to travel as torch.float32; found -16777217"
    with pytest.raises(InvalidConfig, match=message):
        ParameterLayout.of(module).flatten(module)
    module.count[1] = -(2**24)
    assert ParameterLayout.of(module).flatten(module).tolist() == [0, 0, 1, -(2**24)]


def test_views_run_under_vmap_as_one_by_one_with_the_buffers_a_forward_pass_leaves(convnet):
    layout = ParameterLayout.of(convnet)
    vectors = torch.stack([layout.flatten(convnet), layout.flatten(convnet) * 1.5 + 0.01])
    inputs = torch.randn(2, 4, 1, 8, 8)

    def forward(vector, x):
        params, buffers = layout.views(vector)
        logits = functional_call(convnet, (params, buffers), (x,))
        return logits, layout.join(params, buffers)

    logits, after = vmap(forward)(vectors, inputs)
    for i in range(2):
        layout.load(convnet, vectors[i])
        torch.testing.assert_close(logits[i], convnet(inputs[i]))
        torch.testing.assert_close(after[i], layout.flatten(convnet))
    assert not torch.equal(after, vectors)


def test_gradients_through_views_equal_backward_and_vanish_on_buffers(convnet):
    layout = ParameterLayout.of(convnet)
    vector, x = layout.flatten(convnet), torch.randn(4, 1, 8, 8)
    gradient = grad(lambda v: functional_call(convnet, layout.views(v), (x,)).square().sum())(vector)
    convnet(x).square().sum().backward()
    for name, parameter in convnet.named_parameters():
        torch.testing.assert_close(gradient[layout.slices[name]].view_as(parameter), parameter.grad)
    assert gradient[~layout.trainable].eq(0).all()


def test_join_is_the_inverse_of_views(convnet):
    layout = ParameterLayout.of(convnet)
    vector = torch.arange(float(layout.size))
    assert torch.equal(layout.join(*layout.views(vector)), vector)


def test_equal_modules_have_equal_layouts(convnet):
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))
    assert ParameterLayout.of(convnet) == ParameterLayout.of(other)
    assert ParameterLayout.of(convnet) != ParameterLayout.of(other.double())


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (torch.zeros(7), "`vector` must have shape [8] for this model; found [7]"),
        (torch.zeros(8, 1), "`vector` must have shape [8] for this model; found [8, 1]"),
        (torch.zeros(8).double(), "`vector` must be torch.float32 for this model; found torch.float64"),
    ],
)
def test_a_vector_of_another_model_is_refused(vector, message):
    module = nn.Linear(3, 2)
    layout = ParameterLayout.of(module)
    with pytest.raises(InvalidConfig, match=re.escape(message)):
        layout.views(vector)
    with pytest.raises(InvalidConfig, match=re.escape(message)):
        layout.load(module, vector)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(3, 4), "'bias' must have shape [2]; found [4]"),
        (nn.Linear(3, 2, bias=False), "'bias' must have shape [2]; found none (no such tensor)"),
        (nn.Bilinear(3, 3, 2), "'weight' must have shape [2, 3]; found [2, 3, 3]"),
    ],
)
def test_a_module_of_another_shape_is_refused(module, message):
    layout = ParameterLayout.of(nn.Linear(3, 2))
    with pytest.raises(InvalidConfig, match=re.escape(message)):
        layout.flatten(module)
    with pytest.raises(InvalidConfig, match=re.escape(message)):
        layout.load(module, torch.zeros(8))


def test_modules_without_a_layout_are_refused():
    with pytest.raises(InvalidConfig, match="must have parameters or buffers; found none in ReLU"):
        ParameterLayout.of(nn.ReLU())
    with pytest.raises(InvalidConfig, match="'weight' must be initialised first"):
        ParameterLayout.of(nn.LazyLinear(3))
    with pytest.raises(InvalidConfig, match=r"'phase' must be real .* found torch.complex64"):
        ParameterLayout.of(Buffered(phase=torch.zeros(2, dtype=torch.complex64)))
