"""The model of a run as a classifier: its output layer, its answers to noise, and a rule that looks at both."""

import pytest
import torch
from torch import nn

from fedprop.aggregators import Cohort, DeepSight
from fedprop.data.base import Examples
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.oracles.deep_sight import deep_sight
from fedprop.params import ParameterLayout
from fedprop.simulation.classifying import Classifying, head_of
from fedprop.simulation.engine import simulate
from fedprop.tasks import NextToken

LIKE = Examples(torch.zeros(2, 1, 2, 2), torch.zeros(2, dtype=torch.long))
BACKDOOR = {"kind": "backdoor", "share": 0.2, "backdoor": {"kind": "pixel_trigger", "label": 5, "poisoned": 1.0}}


@pytest.fixture
def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))


def test_the_last_layer_with_a_neuron_for_each_class_is_the_head(module):
    layout = ParameterLayout.of(module)
    head = head_of(layout, 3)
    flat = torch.arange(layout.size)
    assert flat[head.weights].flatten().tolist() == flat[layout.slices["3.weight"]].tolist()
    assert head.weights.shape == (3, 3)
    assert flat[head.biases].tolist() == flat[layout.slices["3.bias"]].tolist()


def test_models_without_such_a_layer_are_refused(module):
    for wrong in (nn.Linear(4, 2), nn.Linear(4, 3, bias=False), nn.Sequential(module[1], nn.Linear(3, 3, bias=False))):
        with pytest.raises(InvalidConfig, match=r"end in a layer with weights and a bias for each of 3 classes"):
            head_of(ParameterLayout.of(wrong), 3)
    with pytest.raises(InvalidConfig, match=r"`data` must have fractions .*; found `task` next_token on inputs of"):
        Classifying(module, LIKE, 3, NextToken())


def test_answers_are_those_of_the_moved_model_to_noise_between_0_and_1(module):
    seen = []
    module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    layout = ParameterLayout.of(module)
    start, classifying = layout.flatten(module), Classifying(module, LIKE, 3)
    move = 0.1 * torch.randn(2, layout.size, generator=torch.Generator().manual_seed(0))
    found = classifying.at(start).probabilities(move, 300, seed=7)
    noise = torch.rand(300, 1, 2, 2, generator=torch.Generator().manual_seed(7))
    layout.load(module, start + move[1])
    assert found.shape == (2, 300, 3)
    assert torch.allclose(found[1], module.eval()(noise).double().softmax(dim=1), atol=1e-6)
    assert found.equal(classifying.at(start).probabilities(move, 300, seed=7))
    assert not found.equal(classifying.at(start).probabilities(move, 300, seed=8))


def test_on_a_real_model_the_rule_is_what_its_definition_says(module):
    layout = ParameterLayout.of(module)
    start, classifying = layout.flatten(module), Classifying(module, LIKE, 3)
    draw, sizes = torch.Generator().manual_seed(0), set()
    rule = DeepSight(inputs=5, seeds=2, min_cluster_size=2)
    for _ in range(4):
        rows = torch.randn(9, layout.size, generator=draw) * torch.rand(9, 1, generator=draw)
        rows[:4] = rows[0] + 0.1 * rows[:4]
        rows[:2, layout.slices["3.weight"]] *= torch.tensor([9.0] * 3 + [0.1] * 6)
        known = {"classifier": classifying.at(start), "generator": torch.Generator().manual_seed(3)}
        answer = rule.aggregate(Cohort(rows, **known))
        expected = deep_sight(
            rows.double().tolist(),
            (classifying.head.weights.tolist(), classifying.head.biases.tolist()),
            lambda x, *asked: classifying.answers(start + torch.tensor(x), classifying.noise(*asked)).tolist(),
            torch.Generator().manual_seed(3),
            **{name: value for name, value in rule if name != "kind"},
        )
        assert torch.allclose(answer.value, torch.tensor(expected), atol=1e-6)
        sizes.add(int((answer.weights > 0).sum()))
    assert len(sizes) > 1


@pytest.mark.parametrize("policy", ["synchronous", {"kind": "fedbuff", "concurrency": 20, "buffer": 15}])
def test_clients_with_a_backdoor_in_their_data_are_found_out(log, policy):
    settings = {"rounds": 4, "clients": 20, "data": "digits", "model": "logistic_regression", "policy": policy}
    training = {"lr": 0.5, "batch_size": 32}
    setup = resolve(Experiment(**settings, training=training, defense="deep_sight", attack=BACKDOOR))
    simulate(setup, log)
    weights = [
        (client in setup.compromised, weight) for found in log.rounds for client, weight in found.weights.items()
    ]
    attackers, honest = ([weight > 0 for bad, weight in weights if bad is held] for held in (True, False))
    assert not any(record.failure for record in log.rounds)
    assert sum(attackers) <= len(attackers) / 10 < sum(honest)
    assert sum(honest) >= 0.9 * len(honest)


def test_what_cannot_be_asked_is_refused_before_anything_runs():
    settings = {"rounds": 1, "clients": 4, "data": "digits", "defense": "deep_sight"}
    with pytest.raises(InvalidConfig, match=r"`model` must end in a layer .* 10 classes"):
        resolve(Experiment(**settings, model="mlp"), model=nn.Sequential(nn.Flatten(), nn.Linear(64, 10, bias=False)))
