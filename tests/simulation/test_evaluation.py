import math

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from fedprop.data.base import Examples
from fedprop.errors import RunFailed
from fedprop.params import ParameterLayout
from fedprop.simulation import evaluation
from fedprop.simulation.evaluation import Evaluator


@pytest.fixture
def module():
    return nn.Linear(2, 2)


@pytest.fixture
def examples():
    return Examples(torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 1, 1, 1]))


SURE = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
"""The identity matrix and no bias: class 0 where the first input is larger."""


def test_accuracy_and_loss_are_means_over_the_test_set(module, examples):
    score = Evaluator(module, examples)(SURE)
    assert score.accuracy == 0.75
    wanted = [math.log1p(math.exp(-margin)) for margin in (1.0, 1.0, -2.0, 3.0)]
    assert score.loss == pytest.approx(sum(wanted) / 4)


def test_the_size_of_a_batch_changes_nothing(module, examples, monkeypatch):
    whole = Evaluator(module, examples)(SURE)
    monkeypatch.setattr(evaluation, "BATCH", 3)
    assert Evaluator(module, examples)(SURE) == pytest.approx(whole)


def test_the_given_module_is_left_alone(module, examples):
    before = module.weight.detach().clone()
    Evaluator(module, examples)(SURE)
    assert torch.equal(module.weight, before)
    assert module.training


def test_a_model_is_tested_in_evaluation_mode(examples):
    module = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2), nn.Linear(2, 2))
    evaluate, parameters = Evaluator(module, examples), ParameterLayout.of(module).flatten(module)
    assert evaluate(parameters) == evaluate(parameters)


def test_statistics_come_from_the_vector(examples):
    module = nn.BatchNorm1d(2)
    layout = ParameterLayout.of(module)
    vector = layout.flatten(module)
    vector[layout.slices["running_mean"]] = torch.tensor([0.0, 10.0])
    assert Evaluator(module, examples)(vector).accuracy == 0.25


def test_a_model_that_answers_nonsense_is_no_error(module, examples):
    score = Evaluator(module, examples)(torch.full((6,), float("inf")))
    assert math.isnan(score.loss)


def test_batches_are_spread_over_the_cores_and_a_score_is_the_same_to_the_bit(monkeypatch):
    monkeypatch.setattr(evaluation, "BATCH", 8)
    module, draw = nn.Sequential(nn.Linear(40, 300), nn.Tanh(), nn.Linear(300, 3)), torch.Generator().manual_seed(0)
    examples = Examples(torch.randn(50, 40, generator=draw), torch.randint(3, (50,), generator=draw))
    parameters, before, scores = ParameterLayout.of(module).flatten(module), torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        evaluate = Evaluator(module, examples)
        scores += [evaluate(parameters), evaluate(parameters)]
    torch.set_num_threads(before)
    assert scores == [scores[0]] * 6


class Always(nn.Linear):
    """Drops inputs out, in evaluation too."""

    def forward(self, x):
        return super().forward(dropout(x, 0.5))


def test_a_model_that_draws_in_evaluation_draws_the_same_each_time(examples, monkeypatch):
    monkeypatch.setattr(evaluation, "BATCH", 2)
    evaluate, state = Evaluator(Always(2, 2), examples), torch.random.get_rng_state()
    first = evaluate(SURE)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(3)
    assert evaluate(SURE) == first


def test_a_model_that_fails_ends_the_run(module, examples):
    evaluate = Evaluator(module, Examples(torch.ones(2, 3), examples.y[:2]))
    with pytest.raises(RunFailed, match=r"^`model`: Linear failed as it was evaluated: RuntimeError: mat1"):
        evaluate(SURE)
