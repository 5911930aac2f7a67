"""Answers that are vectors of numbers: regression, and several labels at once."""

import math

import pytest
import torch

from fedprop.data import Dataset, Examples
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.metrics import Exam
from fedprop.params import ParameterLayout
from fedprop.tasks import ExactMatch, MeanAbsoluteError, MicroF1, MultiLabel, Regression
from fedprop.training import LocalTraining, Shards, Ticket, make_engine

SETTINGS = {"rounds": 8, "clients": 8, "model": "logistic_regression", "partition": {"kind": "dirichlet", "q": 1.0}}
TASKS = {
    "regression": {"data": "diabetes", "training": {"lr": 0.05, "epochs": 2, "batch_size": 16}},
    "multi_label": {"data": "many_topics", "training": {"lr": 1.0, "epochs": 2, "batch_size": 16}},
}


def test_losses_right_answers_and_strata_by_hand():
    numbers, y = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[1.5, 4.0], [0.0, -0.6]])
    task = Regression(tolerance=0.5)
    assert task.each(numbers, y).tolist() == pytest.approx([(0.25 + 4) / 2, 0.18])
    assert float(task.loss(numbers, y, "sum")) == pytest.approx(2.125 + 0.18)
    assert task.right(numbers, y).tolist() == [[True, False], [True, False]]
    ordered = torch.tensor([[3.0], [1.0], [2.0], [0.0], [4.0]])
    assert task.strata(ordered, 1)[0].tolist() == [6, 2, 4, 0, 8]
    logits, labels = torch.tensor([[math.log(3.0), 0.0], [-1.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert float(MultiLabel().each(logits, labels)[0]) == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    assert MultiLabel().right(logits, labels).tolist() == [[True, True], [True, False]]
    strata, sorts = MultiLabel().strata(torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]), 2)
    assert (strata.tolist(), sorts) == ([1, 0, 2], 3)


def test_numbers_by_hand():
    """Three labels hold; two of them are told, and one that does not hold."""
    outputs, labels = [[1.0, -1.0, 1.0], [1.0, -2.0, -1.0]], [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    exam = Exam(torch.tensor(outputs), torch.tensor(labels), 3, dict)
    assert MicroF1().measure(exam).value == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert ExactMatch().measure(exam).value == 0.5
    assert MeanAbsoluteError().measure(exam).value == pytest.approx((0 + 2 + 1 + 0 + 2 + 1) / 6)


@pytest.mark.parametrize("kind", TASKS)
def test_a_task_is_learnt_against_an_attack(kind):
    attack = {"kind": "sign_flip", "share": 0.25, "z": 10}
    lost = [
        run(Experiment(**SETTINGS, **TASKS[kind], task=kind, attack=attack, defense=defense)).grades
        for defense in ({"kind": "krum", "f": 2, "m": 3}, "mean")
    ]
    assert lost[0].loss < {"regression": 0.75, "multi_label": 0.45}[kind] < lost[1].loss
    assert {number.kind for number in Experiment(**SETTINGS, task=kind).task.numbers} >= set(lost[0].numbers) - {""}


@pytest.mark.parametrize("privacy", [None, {"clip_norm": 0.5, "noise_multiplier": 1e-9}])
def test_clients_learn_in_a_stack_what_they_learn_alone(privacy):
    draw = torch.Generator().manual_seed(0)
    pool = Examples(torch.randn(20, 4, generator=draw), torch.rand(20, 3, generator=draw).round())
    module = torch.nn.Linear(4, 3)
    origin, parts = ParameterLayout.of(module).flatten(module), (torch.arange(7), torch.arange(7, 20))
    for task in (Regression(), MultiLabel()):
        found = []
        for engine in ("sequential", "vectorized"):
            config = LocalTraining(lr=0.5, epochs=1, batch_size=4, privacy=privacy, engine=engine)
            train = make_engine(module, Shards(pool, parts, task), config, 0)
            found.append(torch.stack([done.update for done in train([Ticket(0, 0, origin), Ticket(1, 1, origin)])]))
        assert found[0].norm() > 0.01
        torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_data_that_do_not_fit_are_refused():
    x, y = torch.rand(4, 2), torch.rand(4, 1)
    data = Dataset("mine", Examples(x, y), Examples(x, y), 1)
    for task, sentence in (
        ("classification", r"`data` must have a label for each example, \[n\], for `task` classification"),
        (
            "multi_label",
            r"`data` must have, for `task` multi_label, labels that are 0 or 1; found 0\.\d+ \.\.\. 0\.\d+",
        ),
    ):
        with pytest.raises(InvalidConfig, match=sentence):
            resolve(Experiment(rounds=1, clients=2, model="logistic_regression", task=task), dataset=data)
    with pytest.raises(InvalidConfig, match=r"`data` must have a vector of numbers for each example, float32 \[n, k\]"):
        resolve(Experiment(rounds=1, clients=2, model="logistic_regression", task="regression", data="digits"))
    assert Regression().refused(torch.zeros(4, 3), x, 2).startswith("numbers of shape [4, 2], one tensor of floats;")
    for wrong, found in (
        (y.double(), "float64"),
        (y.repeat(1, 2), r"\[4, 2\]"),
        (y[:, 0], r"int64 of shape \[n\] and not be empty.*\[4\]"),
        (y / 0, "NaN or infinity"),
    ):
        with pytest.raises(InvalidConfig, match=f"`y_train` must be .*{found}"):
            Dataset("mine", Examples(x, wrong), Examples(x, y), 1)
