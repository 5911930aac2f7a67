import pytest
import torch
from torch import nn

from fedprop.params import ParameterLayout
from fedprop.training.channels_last import store_channels_last

X = torch.randn(6, 2, 5, 5, generator=torch.Generator().manual_seed(0))


class Viewing(nn.Module):
    """Flattens with `view`, which refuses activations that are stored channels last."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3)
        self.linear = nn.Linear(27, 2)

    def forward(self, x):
        return self.linear(self.conv(x).view(len(x), -1))


def is_channels_last(conv):
    return conv.weight.is_contiguous(memory_format=torch.channels_last)


def network():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3, 2))


def test_convolutions_are_converted_and_answer_the_same():
    module = network()
    wanted, layout = module(X), ParameterLayout.of(module)
    before = layout.flatten(module)
    store_channels_last(module, X)
    assert is_channels_last(module[0])
    torch.testing.assert_close(module(X), wanted)
    assert torch.equal(layout.flatten(module), before)


def test_a_vector_loaded_keeps_the_format():
    module = network()
    store_channels_last(module, X)
    layout = ParameterLayout.of(module)
    vector = torch.arange(layout.size, dtype=torch.float32)
    layout.load(module, vector)
    assert is_channels_last(module[0])
    assert torch.equal(layout.flatten(module), vector)


def test_a_module_that_needs_the_usual_format_keeps_it():
    module = Viewing()
    store_channels_last(module, X)
    assert not is_channels_last(module.conv)
    assert module(X).shape == (6, 2)


def test_modules_without_convolutions_are_not_even_tried():
    class Untouchable(nn.Linear):
        def forward(self, x):
            pytest.fail("called")

    store_channels_last(Untouchable(4, 3), torch.zeros(3, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_nothing_is_converted():
    module = network().cuda()
    store_channels_last(module, X.cuda())
    assert not is_channels_last(module[0])
