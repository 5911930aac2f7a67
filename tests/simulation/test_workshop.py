"""What the clients of a targeted attack can work out, and how far that takes them."""

import warnings
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fedprop.attacks import DynamicLabelFlip, Targeted, View, Workshop
from fedprop.data import Examples
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.params import ParameterLayout
from fedprop.simulation.engine import simulate
from fedprop.simulation.workshop import ClientsWorkshop, Gradients
from fedprop.training import Shards


@pytest.fixture
def workshop():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    module[3].bias.requires_grad_(False)
    pool = Examples(torch.randn(10, 3), torch.arange(10) % 2)
    shards = Shards(pool, (torch.arange(4), torch.arange(4, 10), torch.arange(0)))
    wanted = Examples(torch.randn(5, 3), torch.ones(5, dtype=torch.int64))
    return module.eval(), ClientsWorkshop(Gradients(module), shards, (1, 0, 2), wanted, 64)


def expected(module, layout, examples):
    """By torch's own modules and optimizer."""
    module.zero_grad()
    cross_entropy(module(examples.x), examples.y).backward()
    flat = torch.zeros(layout.size)
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            flat[layout.slices[name]] = parameter.grad.flatten()
    return flat


def test_gradients_are_those_of_the_attacked_inputs_and_of_a_clients_own_data(workshop):
    module, tools = workshop
    layout = ParameterLayout.of(module)
    at, shards = layout.flatten(module), tools.shards
    assert isinstance(tools, Workshop)
    torch.testing.assert_close(tools.wanted_gradient(at), expected(module, layout, tools.wanted))
    own = Examples(shards.pool.x[4:], shards.pool.y[4:])
    torch.testing.assert_close(tools.training_gradient(at, 0, torch.Generator()), expected(module, layout, own))
    assert not tools.training_gradient(at, 2, torch.Generator()).any()
    x, y = tools.data(0)
    torch.testing.assert_close(tools.gradient(at, x, y), expected(module, layout, own))
    assert x.equal(own.x)
    answered = torch.func.functional_call(module, layout.views(2 * at), (x,))
    torch.testing.assert_close(tools.outputs(2 * at, x), answered)
    x.fill_(9.0)
    assert tools.data(0)[0].equal(own.x)
    assert not tools.gradient(at, *tools.data(2)).any()
    assert layout.flatten(module).equal(at)


def test_gradients_of_a_torchscript_module_are_found_too():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module = torch.jit.script(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))
    layout, examples = ParameterLayout.of(module), Examples(torch.randn(5, 3), torch.arange(5) % 2)
    found = Gradients(module)(layout.flatten(module), examples)
    torch.testing.assert_close(found, expected(module, layout, examples))
    assert found.any()


def settings(**changes):
    return {"rounds": 6, "clients": 10, "data": {"kind": "digits"}, "model": {"kind": "mlp"},
            "training": {"lr": 0.2, "epochs": 5, "batch_size": 16}, **changes}  # fmt: skip


def played(log, **changes):
    outcome = simulate(resolve(Experiment(**settings(**changes))), log)
    rounds, log.rounds = log.rounds, []
    readings = [record.numbers.get("misclassification_confidence") for record in rounds]
    return outcome.test_accuracy, [reading and reading.value for reading in readings]


def test_against_the_mean_it_gets_its_way_and_the_rest_stays_right(log):
    attack = {"kind": "targeted", "share": 0.2, "label": 5, "rounds": {"start": 3}}
    accuracy, confidence = played(log, attack=attack)
    assert confidence[2] < 0.2
    assert confidence[-1] > 0.9
    assert accuracy > 0.75


def test_labels_that_follow_the_model_are_learnt_in_place_of_what_it_answered(workshop):
    """What two clients send leads to models which answer with what the received one found least likely."""
    module, tools = workshop
    at = ParameterLayout.of(module).flatten(module)
    view = View(torch.zeros(2, len(at)), None, at, None, torch.Generator().manual_seed(0), tools)
    for row, update in enumerate(DynamicLabelFlip(epochs=150, lr=0.5).craft(view)):
        x, _ = tools.data(row)
        before, after = tools.outputs(at, x), tools.outputs(at + update, x)
        assert after.argmax(dim=1).equal(before.argmin(dim=1))
        assert len(set(before.argmin(dim=1).tolist())) == 2


def test_what_nobody_aims_at_has_no_gradient(workshop):
    module, tools = workshop
    with pytest.raises(InvalidConfig, match="`aims` must name inputs"):
        replace(tools, wanted=None).wanted_gradient(ParameterLayout.of(module).flatten(module))


def test_one_attacker_replaces_the_model_in_one_round(log):
    """Of ten clients; without scaling, what one of them learnt of the trigger is lost in the mean."""
    attack = {"kind": "model_replacement", "share": 0.1, "rounds": {"start": 5}, "epochs": 10}
    attack["backdoor"] = {"kind": "pixel_trigger", "label": 5}
    outcome = simulate(resolve(Experiment(**settings(attack=attack))), log)
    rates = [record.numbers["attack_success_rate"].value for record in log.rounds]
    assert max(rates[:5]) < 0.1
    assert rates[5] > 0.9
    assert outcome.test_accuracy > 0.9


def test_without_a_targeted_attack_there_is_no_confidence(log):
    _, confidence = played(log, rounds=1)
    assert confidence == [None]


def test_rounds_without_evaluation_have_no_confidence(log):
    attacks = [Targeted(share=0.1, inputs=2), Targeted(share=0.1, inputs=2, label=1)]
    _, confidence = played(log, attack=attacks, evaluate_every=4, training={"steps": 1})
    assert [value is None for value in confidence] == [True, True, True, False, True, False]


def test_each_attack_has_aims_of_its_own():
    attacks = [Targeted(share=0.1), {"kind": "sign_flip", "share": 0.1}, Targeted(share=0.1, label=2)]
    aims = resolve(Experiment(**settings(attack=attacks))).aims
    assert {index: set(examples.y.tolist()) for index, examples in aims.items()} == {0: {0}, 2: {2}}
    assert not aims[0].x.equal(aims[2].x)
