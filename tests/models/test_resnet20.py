import torch
from torch import nn

from fedprop.models import ResNet20
from fedprop.models.resnet20 import Block


def test_a_block_that_learnt_nothing_passes_its_input_on():
    block = Block(2, 4, stride=2, norm="batch").eval()
    nn.init.zeros_(block.conv2.weight)
    x = torch.arange(18.0).reshape(1, 2, 3, 3)
    wanted = torch.zeros(1, 4, 2, 2)
    wanted[:, :2] = torch.tensor([[[0, 2], [6, 8]], [[9, 11], [15, 17]]])
    assert torch.equal(block(x), wanted)


def test_it_has_twenty_weighted_layers_and_starts_as_he_does():
    module = ResNet20().build((3, 32, 32), 10, seed=0)
    weighted = [part for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(weighted) == 20
    for part in weighted:
        fan_in = part.weight[0].numel()
        deviation = part.weight.std().item() / (2 / fan_in) ** 0.5
        # The relative error of a standard deviation from k draws is about 1 / sqrt(2 k).
        assert abs(deviation - 1) < 5 / (2 * part.weight.numel()) ** 0.5
    assert weighted[-1].bias.eq(0).all()


def test_with_group_normalisation_it_keeps_nothing_of_its_batches():
    module = ResNet20(norm="group").build((3, 16, 16), 10, seed=0)
    groups = [part for part in module.modules() if isinstance(part, nn.GroupNorm)]
    assert [part.num_channels // part.num_groups for part in groups] == [2] * 19
    assert not list(module.buffers())
    x = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(module(x)[:1], module(x[:1]), atol=1e-5)
