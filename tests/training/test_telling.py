import torch
from torch import nn

from fedprop.training.telling import telling_rows

LINEAR = nn.Linear(2, 2)


def test_extreme_rows_come_first_and_the_others_are_spread():
    x = torch.arange(20.0).reshape(10, 2) % 17
    rows = telling_rows(LINEAR, x, 4).tolist()
    assert rows[:2] == [0, 8]
    assert len(set(rows)) == 4


def test_rows_with_padding_and_common_integers_come_first():
    x = 2 * torch.arange(100).reshape(50, 2)
    x[40, 1] = 5
    x[31:38, 0] = 99
    module = nn.Sequential(nn.Embedding(200, 3, padding_idx=5), nn.Flatten())
    assert telling_rows(module, x, 4).tolist() == [0, 49, 40, 31]


def test_there_are_no_more_rows_than_examples():
    assert sorted(telling_rows(LINEAR, torch.zeros(3, 2), 8).tolist()) == [0, 1, 2]
    assert len(telling_rows(LINEAR, torch.zeros(3, 2), 2)) == 2
    assert telling_rows(LINEAR, torch.zeros(2, 0), 2).tolist() == [0, 1]
