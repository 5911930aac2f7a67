import pytest
import torch
from pydantic import ValidationError
from torch import nn

from fedprop.data import Examples
from fedprop.models import SirenCNN, SirenDPCNN
from fedprop.training import LocalTraining, Shards
from fedprop.training.engine import choose_engine


def test_dropout_is_where_the_table_has_it():
    module = SirenCNN(conv_dropout=0.1, hidden_dropout=0.2).build((1, 9, 9), 10, seed=0)
    names = [type(part).__name__ for part in module]
    assert names == ["Conv2d", "ReLU", "Conv2d", "ReLU", "Dropout", "Flatten", "Linear", "ReLU", "Dropout", "Linear"]
    assert [part.p for part in module if isinstance(part, nn.Dropout)] == [0.1, 0.2]


def test_without_dropout_many_clients_train_together():
    shards = Shards(Examples(torch.rand(2, 1, 9, 9), torch.arange(2)), (torch.arange(2),))
    draws = [
        choose_engine(model.build((1, 9, 9), 10, seed=0), shards, LocalTraining()).draws
        for model in (SirenCNN(conv_dropout=0, hidden_dropout=0), SirenCNN())
    ]
    assert draws == ["none", "own"]


def test_a_rate_of_one_would_drop_everything():
    with pytest.raises(ValidationError, match="hidden_dropout"):
        SirenCNN(hidden_dropout=1.0)


@pytest.mark.parametrize(("side", "sizes"), [(28, [14, 13, 7, 6]), (32, [16, 15, 8, 7]), (7, [4, 3, 2, 1])])
def test_the_private_network_halves_and_pools_by_one(side, sizes):
    module = SirenDPCNN().build((1, side, side), 10, seed=0)
    x, seen = torch.rand(1, 1, side, side), []
    for part in module[:8]:
        x = part(x)
        if isinstance(part, nn.Conv2d | nn.MaxPool2d):
            seen.append(x.shape[2])
    assert seen == sizes


def test_the_odd_pixel_of_padding_is_at_the_right_and_bottom():
    module = SirenDPCNN().build((1, 28, 28), 10, seed=0)
    assert [part.padding for part in module if isinstance(part, nn.ZeroPad2d)] == [(3, 3, 3, 3), (1, 2, 1, 2)]
