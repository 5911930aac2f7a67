import pytest
import torch
from torch import nn

from fedprop.errors import InvalidConfig
from fedprop.oracles.idlg import MISREADINGS, idlg
from fedprop.oracles.softmax_gradient import of_batch
from fedprop.params import ParameterLayout
from fedprop.privacy.leakage.layers import LastLayer, likely_labels


def test_the_last_linear_layer_is_found_wherever_it_stands():
    module = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Conv1d(1, 1, 1), nn.Linear(3, 2)), nn.ReLU())
    layer = LastLayer(module, "dlg")
    size = ParameterLayout.of(module).size
    update = torch.arange(float(size))
    assert layer.classes == 2
    assert layer.gradient(update).equal(-update[-8:-2].view(2, 3))
    assert LastLayer(nn.Linear(3, 2), "dlg").classes == 2


def test_the_least_number_that_enters_it_is_that_of_its_input():
    module = nn.Sequential(nn.Linear(1, 2, bias=False), nn.Linear(2, 2))
    module[0].weight.data = torch.tensor([[1.0], [-2.0]])
    assert LastLayer(module, "dlg").least_input(torch.tensor([[0.5], [3.0]])) == -6.0
    assert LastLayer(module[1], "dlg").least_input(torch.ones(1, 2)) == 0.0


@pytest.mark.parametrize("module", [nn.Conv1d(1, 1, 1), nn.Linear(2, 2).requires_grad_(False)])
def test_a_model_without_one_is_refused(module):
    with pytest.raises(InvalidConfig, match=r"`inference.kind` idlg needs a model with a linear layer to train"):
        LastLayer(module, "idlg")


def test_the_label_of_one_example_is_exact_for_inputs_that_are_not_negative():
    """Weights far from zero, so that the right class is likely, unlikely, and neither."""
    stream = torch.Generator().manual_seed(0)
    missed = 0
    for label in [0, 1, 2, 3] * 10:
        x, weights = torch.rand(5, generator=stream), 6 * torch.randn(4, 5, generator=stream)
        target = [float(c == label) for c in range(4)]
        gradient = torch.tensor(of_batch([x.tolist()], [target], weights.tolist(), [0.0] * 4)[:-4]).view(4, 5)
        assert likely_labels(gradient, 1).tolist() == [label] == [idlg(gradient.tolist())]
        missed += MISREADINGS["the longest row"](gradient.tolist()) != label
    assert missed > 0


def test_labels_that_more_examples_have_are_guessed_more_often():
    """An untrained model finds all of four classes as likely: two examples of class 1, one of 3, features all 1."""
    gradient = torch.tensor([3 / 4, 3 / 4 - 2, 3 / 4, 3 / 4 - 1])[:, None] / 3
    assert sorted(likely_labels(gradient, 3).tolist()) == [1, 1, 3]
