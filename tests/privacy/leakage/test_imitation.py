import pytest
import torch
from torch import nn

from fedprop.oracles.dlg import dlg
from fedprop.oracles.softmax_gradient import of_batch
from fedprop.privacy.leakage.descent import squared_distance
from fedprop.privacy.leakage.imitation import Imitation, batches
from fedprop.tasks import CLASSIFICATION


def imitation_of(case, steps):
    run = case.run
    return Imitation(run.module, case.origin, loss=CLASSIFICATION.loss, steps=steps, lr=run.training.lr)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_the_true_examples_tell_what_the_client_sent(case, steps):
    """Also over several steps and passes, if each batch is all that the client has."""
    made = case(each=3, steps=steps, module=nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)))
    sent = made.sight().sent(0)
    imitation = imitation_of(made, batches(3, 3, sent.steps))
    examples = made.run.pool.x[:3], made.run.pool.y[:3]
    assert imitation(*examples).allclose(imitation.told(sent.update), atol=1e-6)
    assert not imitation(examples[0] + 0.1, examples[1]).allclose(imitation.told(sent.update), atol=1e-3)


def test_it_is_the_gradient_of_the_definition_for_soft_labels_too(case):
    made = case(each=2)
    imitation = imitation_of(made, batches(2, 2, 1))
    weights, biases = (p.detach().double().tolist() for p in made.run.module.parameters())
    x, y = made.run.pool.x[:2], torch.tensor([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
    found = imitation(x, y)
    inputs = x.flatten(1).double().tolist()
    assert found.tolist() == pytest.approx(of_batch(inputs, y.tolist(), weights, biases), abs=1e-6)
    told = torch.linspace(-1, 1, len(found))
    wanted = dlg(told.tolist(), inputs, y.tolist(), weights, biases)
    assert float(squared_distance(found.detach(), told)) == pytest.approx(wanted, rel=1e-5)


def test_the_gradient_of_a_linear_layer_is_its_input_times_that_of_its_bias(case):
    """So of one example the input can be read off, without any search."""
    made = case(shape=(1, 3, 3))
    told = imitation_of(made, batches(1, 1, 1)).told(made.sight().sent(0).update)
    weights, biases = told[:-3].view(3, 9), told[-3:]
    for c in range(3):
        assert (weights[c] / biases[c]).allclose(made.run.pool.x[0].flatten(), atol=1e-5)


def test_frozen_weights_and_buffers_tell_nothing(case):
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    made = case(each=3, module=module.requires_grad_(True))
    module[1].requires_grad_(False)
    sent = made.sight().sent(0)
    imitation = imitation_of(made, batches(3, 3, 1))
    found = imitation(made.run.pool.x[:3], made.run.pool.y[:3])
    assert found.shape == (8 + 15,)
    assert found.allclose(imitation.told(sent.update), atol=1e-5)


def test_batches_are_those_of_a_pass_in_order_and_some_examples_may_be_in_none():
    assert [(b.start, b.stop) for b in batches(5, 2, 4)] == [(0, 2), (2, 4), (4, 5), (0, 2)]
    assert [(b.start, b.stop) for b in batches(5, 2, 2)] == [(0, 2), (2, 4)]
    assert [(b.start, b.stop) for b in batches(2, 9, 1)] == [(0, 2)]
