import pytest
import torch
from pydantic import ValidationError
from torch.optim import lr_scheduler

from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.training import LocalTraining
from fedprop.training.lr_schedules import (
    CosineDecay,
    ExponentialDecay,
    LrSchedule,
    MilestoneDecay,
    StepDecay,
    Warmup,
    check_rounds,
)

AS_TORCH = [
    (StepDecay(every=3), lambda o: lr_scheduler.StepLR(o, 3)),
    (MilestoneDecay(at=(2, 5), shrink=0.3), lambda o: lr_scheduler.MultiStepLR(o, [2, 5], 0.3)),
    (ExponentialDecay(shrink=0.9), lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    (CosineDecay(rounds=8), lambda o: lr_scheduler.CosineAnnealingLR(o, 8)),
    (CosineDecay(rounds=8, least=0.25), lambda o: lr_scheduler.CosineAnnealingLR(o, 8, eta_min=0.05)),
]


@pytest.mark.parametrize(("schedule", "make"), AS_TORCH, ids=lambda value: getattr(value, "kind", ""))
def test_rates_are_torchs(schedule, make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    theirs = make(optimizer)
    config = LocalTraining(lr=0.2, lr_schedule=schedule)
    for round in range(8):
        assert config.rate(round) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_a_cosine_stays_where_it_ends():
    assert [CosineDecay(rounds=2, least=0.5).factor(round) for round in (0, 1, 2, 3)] == [1.0, 0.75, 0.5, 0.5]


def test_a_warmup_grows_in_equal_steps():
    assert [Warmup(rounds=3).factor(round) for round in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_shares_multiply():
    config = LocalTraining(lr=2.0, lr_schedule=[{"kind": "warmup", "rounds": 1}, StepDecay(every=2)])
    assert [config.rate(round) for round in range(5)] == pytest.approx([1.0, 2.0, 0.2, 0.2, 0.02])


def test_without_a_schedule_the_rate_is_lr():
    assert LocalTraining(lr=0.3).rate(7) == LocalTraining(lr=0.3, lr_schedule=None).rate(7) == 0.3


def test_plain_data_describes_it_completely():
    config = LocalTraining(lr_schedule=[Warmup(rounds=2), CosineDecay(rounds=9)])
    assert LocalTraining.model_validate(config.model_dump(mode="json")) == config
    assert LocalTraining(lr_schedule={"kind": "step", "every": 2}).lr_schedule == (StepDecay(every=2),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "step", "every": 0},
        {"kind": "step", "every": 2, "shrink": 1.0},
        {"kind": "exponential", "shrink": 0.0},
        {"kind": "cosine", "rounds": 5, "least": 1.0},
        {"kind": "milestones", "at": []},
        {"kind": "milestones", "at": [5, 2]},
        {"kind": "warmup", "rounds": 0},
        {"kind": "polynomial"},
    ],
    ids=str,
)
def test_schedules_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        LocalTraining(lr_schedule=wrong)


class Odd(LrSchedule):
    """Answers with whatever it is told."""

    kind: str = "odd"
    answers: tuple[object, ...]

    def factor(self, round):
        return self.answers[round]


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (StepDecay(every=4), "StepDecay must change the learning rate within 4 rounds"),
        (CosineDecay(rounds=3), "must leave more than 0 in every round; found 0 in round 3"),
        (
            Odd(answers=(1, 0.5, 1.5, 1)),
            "Odd failed in round 2: `factor` must answer with a number from 0 to 1; found 1.5",
        ),
        (Odd(answers=(1, -0.5, 1, 1)), "Odd failed in round 1: .*; found -0.5"),
        (Odd(answers=(float("nan"),) * 4), "Odd failed in round 0: .*; found nan"),
        (Odd(answers=("much",) * 4), "Odd failed in round 0: .*; found 'much'"),
        (Odd(answers=(1.0,)), "Odd failed in round 1: IndexError: tuple index out of range"),
    ],
)
def test_a_schedule_that_does_not_fit_the_rounds_is_refused_before_anything_runs(schedule, sentence):
    with pytest.raises(InvalidConfig, match=sentence):
        check_rounds([schedule], 4)


def test_it_is_the_experiments_rounds_that_count():
    settings = {"clients": 3, "data": "digits", "model": "logistic_regression"}
    training = {"lr_schedule": {"kind": "cosine", "rounds": 3}}
    assert resolve(Experiment(rounds=3, **settings, training=training)).training.rate(1) < 0.1
    with pytest.raises(InvalidConfig, match=r"`training.lr_schedule` must leave more than 0 .*; found 0 in round 3"):
        resolve(Experiment(rounds=4, **settings, training=training))
