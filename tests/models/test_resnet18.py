import pytest
import torch
from torch import nn

from fedprop.models import ResNet18
from fedprop.models.resnet18 import Block


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_block_that_learnt_nothing_passes_its_input_on(norm):
    block = Block(4, 4, 1, norm).eval()
    nn.init.zeros_(block.inner[3].weight)
    x = torch.rand(2, 4, 3, 3)
    assert torch.equal(block(x), x)


def test_it_has_eighteen_weighted_layers_beside_the_projections():
    module = ResNet18(width=4).build((3, 32, 32), 10, seed=0)
    weighted = [part for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len([part for part in weighted if getattr(part, "kernel_size", None) != (1, 1)]) == 18
    assert len(weighted) == 21


@pytest.mark.parametrize(("side", "left"), [(32, 4), (28, 4), (8, 2), (2, 2)])
def test_sides_are_halved_while_two_pixels_are_left(side, left):
    module = ResNet18(width=4).build((1, side, side), 10, seed=0)
    features = module[:-3](torch.rand(2, 1, side, side))
    assert features.shape == (2, 32, left, left)


def test_with_group_normalisation_an_example_does_not_see_its_batch():
    x = torch.rand(4, 1, 8, 8)
    private = ResNet18(width=4, norm="group").build((1, 8, 8), 3, seed=0)
    torch.testing.assert_close(private(x)[:1], private(x[:1]))
    mixing = ResNet18(width=4).build((1, 8, 8), 3, seed=0)
    assert not torch.allclose(mixing(x)[:1], mixing(x[:1]), rtol=1e-3)
