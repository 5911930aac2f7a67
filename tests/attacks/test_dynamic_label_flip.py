"""Dynamic label flipping, on a workshop whose model has a weight for each class and inputs of one number."""

from dataclasses import replace

import pytest
import torch

from fedprop.attacks import DynamicLabelFlip
from fedprop.errors import InvalidConfig
from fedprop.oracles.dynamic_label_flip import MISREADINGS, least_likely


class Lines:
    """Outputs are input times weight; a step moves each weight by the share of its label. All are of class 2."""

    def data(self, row):
        return torch.tensor([1.0, 1.0, -1.0, 0.0]).double() * (1 - 2 * row), torch.full((4,), 2)

    def outputs(self, parameters, x):
        return x[:, None] * parameters

    def gradient(self, parameters, x, y):
        return -torch.nn.functional.one_hot(y, 3).double().mean(dim=0).to(parameters)


@pytest.fixture
def seen(view):
    return replace(view([[0.0] * 3] * 2, origin=[3.0, 1.0, 2.0]), workshop=Lines())


def test_each_client_learns_the_labels_that_the_received_model_finds_least_likely(seen):
    """The first client's inputs 1, 1, -1 and 0 get labels 1, 1, 0 and, of three alike, 0; the other's 0, 0, 1 and 0."""
    attack = DynamicLabelFlip(epochs=2, lr=0.5)
    assert attack.craft(seen).tolist() == [[0.5, 0.5, 0.0], [0.75, 0.25, 0.0]]


def test_another_model_has_other_labels(seen):
    moved = replace(seen, origin=torch.tensor([3.0, 1.0, -2.0], dtype=torch.float64))
    assert DynamicLabelFlip(epochs=1, lr=1.0).craft(moved)[0].tolist() == [0.5, 0.0, 0.5]


def test_the_labels_are_those_of_the_definition_and_of_no_misreading(seen):
    """Of one input of 1 the outputs are the model, so that the weight which grows is the label."""
    for seed in range(5):
        origin = torch.randint(-3, 4, (1, 3), generator=torch.Generator().manual_seed(seed)).double()
        [label] = least_likely(origin.tolist())
        crafted = DynamicLabelFlip(epochs=1, lr=1.0).craft(replace(seen, origin=origin[0]))
        assert float(crafted[0, label]) >= 0.5
    table = [[3.0, 1.0, -2.0], [-1.0, 5.0, 2.0], [0.0, 0.0, 1.0]]
    assert least_likely(table) == [2, 0, 0]
    assert all(wrong(table) != least_likely(table) for wrong in MISREADINGS.values())


def test_without_a_workshop_it_cannot_train(seen):
    with pytest.raises(InvalidConfig, match="`workshop` must be given"):
        DynamicLabelFlip().craft(replace(seen, workshop=None))
