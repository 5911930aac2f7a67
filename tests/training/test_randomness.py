import torch
from torch import nn
from torch.nn.functional import dropout

from fedprop.training.randomness import find_randomness, seeded

X = torch.zeros(3, 4)


class Hidden(nn.Linear):
    """Drops inputs out without a layer that says so."""

    def forward(self, x):
        return super().forward(dropout(x, 0.5, self.training))


def test_draws_outside_known_layers_are_found():
    assert find_randomness(Hidden(4, 3), X) == "draws in Hidden.forward"
    assert find_randomness(nn.Sequential(nn.Linear(4, 4), Hidden(4, 3)), X) == "draws in Sequential.forward"


def test_a_layer_that_draws_is_named():
    assert find_randomness(nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.1)), X) == "Dropout at '1'"


def test_nothing_is_found_where_nothing_draws():
    assert find_randomness(nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.0), nn.BatchNorm1d(3)), X) == ""


def test_one_example_is_enough_to_look():
    assert find_randomness(nn.BatchNorm1d(4), X[:1]) == ""


def test_looking_moves_neither_the_generator_nor_the_module():
    module = nn.Sequential(nn.BatchNorm1d(4), Hidden(4, 3)).eval()
    before = torch.random.get_rng_state()
    find_randomness(module, X)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not module.training
    assert module[0].num_batches_tracked == 0


def test_a_seeded_block_draws_its_own_numbers_and_leaves_no_trace():
    before, cpu = torch.random.get_rng_state(), torch.device("cpu")
    draws = []
    for seed in (1, 1, 2):
        with seeded(seed, cpu):
            draws.append(torch.rand(3).tolist())
    assert draws[0] == draws[1] != draws[2]
    assert torch.equal(torch.random.get_rng_state(), before)
