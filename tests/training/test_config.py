import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fedprop.training import LocalTraining

rates = st.floats(1e-3, 1.0)


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        (LocalTraining(), [0, 1, 1, 1]),
        (LocalTraining(steps=7), [0, 7, 7, 7]),
        (LocalTraining(epochs=1, batch_size=10), [0, 1, 1, 3]),
        (LocalTraining(epochs=4, batch_size=10), [0, 4, 4, 12]),
    ],
)
def test_steps_for_0_1_10_and_21_examples(config, steps):
    assert [config.count_steps(n) for n in (0, 1, 10, 21)] == steps


@given(st.integers(0, 1000), st.integers(1, 50), st.integers(1, 5))
def test_an_epoch_is_the_fewest_steps_that_see_everything(examples, batch_size, epochs):
    steps = LocalTraining(epochs=epochs, batch_size=batch_size).count_steps(examples)
    assert steps == epochs * math.ceil(examples / batch_size)


def reach(config, steps):
    """||a||_1 by definition: how far gradients of 1 carry a client, in units of lr."""
    position, velocity = 0.0, 0.0
    for _ in range(steps):
        velocity = config.momentum * velocity + 1.0 + config.proximal * position * config.lr
        position -= velocity
    return -position


@given(rates, st.integers(1, 40))
def test_plain_training_goes_as_far_as_its_steps(lr, steps):
    assert LocalTraining(lr=lr).length(steps) == steps


@given(rates, st.floats(0.01, 0.99), st.integers(1, 40))
def test_momentum_goes_further_as_its_accumulated_velocity_says(lr, momentum, steps):
    config = LocalTraining(lr=lr, momentum=momentum)
    assert config.length(steps) == pytest.approx(reach(config, steps))
    assert config.length(steps) >= steps * (1 - 1e-12)


@given(st.floats(1e-3, 1.0), st.floats(1e-3, 1.9), st.integers(1, 40))
def test_the_proximal_term_holds_training_back(lr, pull, steps):
    config = LocalTraining(lr=lr, proximal=pull / lr)
    assert config.length(steps) == pytest.approx(reach(config, steps), rel=1e-6)
    assert 0.0 < config.length(steps) <= steps * (1 + 1e-9)


def test_the_proximal_term_holds_less_back_at_a_smaller_rate():
    """By hand for two steps: 1 + (1 - lr mu), with lr mu = 0.5 and then 0.25."""
    config = LocalTraining(lr=0.5, proximal=1.0, lr_schedule={"kind": "exponential", "shrink": 0.5})
    assert [config.length(2, round) for round in (0, 1)] == [1.5, 1.75]


def test_with_both_momentums_length_is_taken():
    both, momentum = LocalTraining(momentum=0.9, proximal=1.0), LocalTraining(momentum=0.9)
    assert both.length(10) == momentum.length(10)


def test_adams_steps_count_as_they_are():
    assert LocalTraining(optimizer="adam", proximal=1.0).length(10) == 10.0


def test_the_largest_claim_has_a_finite_length():
    most = 2**63 - 1
    for config in (LocalTraining(), LocalTraining(momentum=0.9), LocalTraining(lr=1.0, proximal=1.99)):
        assert math.isfinite(torch.tensor(config.length(most), dtype=torch.float32).item())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": 2, "epochs": 1}, "give `steps` or `epochs`, not both; found steps=2, epochs=1"),
        ({"lr": 0.5, "proximal": 4.0}, "`lr` times `proximal` must be below 2, .*; found 2.0"),
        ({"optimizer": "adam", "momentum": 0.5}, "`momentum` must be 0 with `optimizer` adam; found 0.5"),
        (
            {"clip_norm": 1.0, "privacy": {"delta": 0.1, "noise_multiplier": 1.0}},
            "`clip_norm` must be null with `privacy`, .* found 1.0",
        ),
        ({"clip_norm": 0.0}, "greater than 0"),
        ({"clip_norm": float("inf")}, "finite"),
        ({"lr": 0.0}, "greater than 0"),
        ({"lr": float("inf")}, "finite"),
        ({"batch_size": 0}, "greater than 0"),
        ({"momentum": 1.0}, "less than 1"),
        ({"weight_decay": -0.1}, "greater than or equal to 0"),
        ({"engine": "fast"}, "engine"),
    ],
)
def test_training_that_cannot_be_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        LocalTraining(**fields)
