"""Partitions by whose an example is."""

import pytest
import torch

from fedprop.data import Dataset, Examples, LargestUsers, PackedUsers
from fedprop.data.root import RootData
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment

USERS = torch.tensor([3, 0, 2, 2, 0, 2, 3, 3, 3, 5])
"""User 3 has four examples, 2 three, 0 two, 5 one; 1 and 4 have none."""


def split(partition, clients):
    return [part.tolist() for part in partition.split(USERS, clients, 6, torch.Generator())]


def test_clients_are_users_or_whole_numbers_of_them():
    assert split(LargestUsers(), 2) == [[0, 6, 7, 8], [2, 3, 5]]
    assert split(LargestUsers(), 4) == [[0, 6, 7, 8], [2, 3, 5], [1, 4], [9]]
    # 4 | 3, then 2 to the client with 3, and 1 to the client with 4.
    assert split(PackedUsers(), 2) == [[0, 6, 7, 8, 9], [1, 2, 3, 4, 5]]
    for partition in (LargestUsers(), PackedUsers()):
        with pytest.raises(InvalidConfig, match=r"`clients` must be at most the number of users, 4, for .*; found 5"):
            split(partition, 5)


def test_a_run_deals_by_user_and_the_server_keeps_who_is_left():
    examples = Examples(torch.rand(10, 2), torch.zeros(10, dtype=torch.int64), USERS)
    data = Dataset("mine", examples, examples, 2)
    experiment = Experiment(rounds=1, clients=2, model="logistic_regression", partition="packed_users")
    assert [part.tolist() for part in resolve(experiment, dataset=data).shards.parts] == split(PackedUsers(), 2)
    root, rest = RootData(size=4).split(data, torch.Generator().manual_seed(0))
    assert sorted([*root.users.tolist(), *rest.train.users.tolist()]) == sorted(USERS.tolist())
    kept = [tuple(row) for row in zip(examples.x[:, 0].tolist(), USERS.tolist(), strict=True)]
    assert all(pair in kept for pair in zip(rest.train.x[:, 0].tolist(), rest.train.users.tolist(), strict=True))


def test_data_must_say_whose_an_example_is():
    experiment = Experiment(rounds=1, clients=2, model="logistic_regression", partition="largest_users")
    data = Dataset.from_arrays("mine", [[0.0], [1.0]], [0, 1], [[0.5]], [1])
    with pytest.raises(InvalidConfig, match=r"`data` must say whose each example is for LargestUsers.*; found mine"):
        resolve(experiment, dataset=data)
    x, y = torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64)
    for users, found in ((y[:1], r"int64 of shape \[2\]"), (y.float(), "int64"), ([0, 1], "found list"), (y - 1, "-1")):
        with pytest.raises(InvalidConfig, match=f"`users` must .*{found}"):
            Examples(x, y, users)
