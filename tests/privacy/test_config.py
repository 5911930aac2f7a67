import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fedprop.errors import InvalidConfig
from fedprop.privacy import LocalPrivacy, QuantileClipping
from fedprop.privacy.config import expected_batch
from fedprop.training import LocalTraining
from fedprop.training.batches import plan


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "give one of `noise_multiplier` and `target_epsilon`; found noise_multiplier=None, target_epsilon=None"),
        ({"noise_multiplier": 1.0, "target_epsilon": 3.0}, "give one of .*; found noise_multiplier=1.0"),
        ({"noise_multiplier": 1.0, "tasks": 3}, "`tasks` needs a `target_epsilon` to plan for; found tasks=3 alone"),
        ({"noise_multiplier": 0.0}, "greater than 0"),
        ({"noise_multiplier": 1.0, "clip_norm": 0.0}, "greater than 0"),
        ({"noise_multiplier": 1.0, "delta": 1.0}, "less than 1"),
        (
            {"noise_multiplier": 1.0, "quantile": {"count_noise": 0.5}},
            "`quantile.count_noise` must exceed half the noise multiplier; found 0.5 with noise_multiplier=1.0",
        ),
    ],
)
def test_privacy_that_cannot_be_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        LocalPrivacy(**fields)


def test_the_noise_must_be_known_before_training():
    with pytest.raises(InvalidConfig, match="`noise_multiplier` must be known"):
        _ = LocalPrivacy(target_epsilon=1.0).sigma


@given(st.floats(0.1, 20), st.floats(1, 500), st.none() | st.floats(10.5, 100))
def test_gradients_and_count_together_cost_what_the_noise_multiplier_says(sigma, batch, count_noise):
    """Two Gaussian sums with sensitivities C and 1/2: their precisions, in units of those, add up (Theorem 1)."""
    privacy = LocalPrivacy(noise_multiplier=sigma, quantile=QuantileClipping(count_noise=count_noise))
    gradients, count = privacy.noise(batch), privacy.quantile.deviation(sigma, batch)
    assert gradients**-2 + (count / 0.5) ** -2 == pytest.approx(sigma**-2)
    assert gradients >= sigma


def test_without_a_quantile_all_noise_is_on_the_gradients():
    assert LocalPrivacy(noise_multiplier=1.5).noise(32) == 1.5


def test_the_clipping_norm_moves_towards_the_quantile():
    """By exp(-rate (share that fits - quantile)): down when more than it fit, up when fewer do."""
    quantile = QuantileClipping(quantile=0.25, rate=0.5)
    fitting = torch.tensor([4.0, 1.0, 0.0])
    factors = quantile.factor(fitting - 4 / 2, 4)
    torch.testing.assert_close(factors, torch.tensor([math.exp(-0.5 * 0.75), 1.0, math.exp(0.5 * 0.25)]))


@pytest.mark.parametrize(
    ("sampling", "training", "examples", "cost"),
    [
        ("poisson", {"batch_size": 10, "epochs": 3}, 100, (0.1, 30)),
        ("poisson", {"batch_size": 10, "steps": 7}, 100, (0.1, 7)),
        ("poisson", {"batch_size": 10, "steps": 7}, 4, (1.0, 7)),
        ("poisson", {"epochs": 3}, 0, (0.0, 0)),
        ("batches", {"batch_size": 10, "epochs": 3}, 95, (1.0, 3)),
        ("batches", {"batch_size": 10, "steps": 11}, 95, (1.0, 2)),
        ("batches", {"batch_size": 10, "steps": 7}, 4, (1.0, 7)),
        ("batches", {"epochs": 3}, 0, (1.0, 0)),
    ],
)
def test_what_a_task_costs(sampling, training, examples, cost):
    privacy = LocalPrivacy(noise_multiplier=1.0, sampling=sampling)
    assert LocalTraining(**training).cost(privacy, examples) == cost


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 40))
def test_with_batches_no_example_is_seen_more_often_than_is_paid_for(examples, batch_size, steps):
    privacy = LocalPrivacy(noise_multiplier=1.0, sampling="batches")
    training = LocalTraining(batch_size=batch_size, steps=steps, privacy=privacy)
    seen = torch.bincount(torch.cat(plan(examples, training, torch.Generator().manual_seed(0))))
    assert int(seen.max()) == training.cost(privacy, examples).steps


def test_a_batch_holds_no_more_than_there_is():
    assert (expected_batch(100, 32), expected_batch(7, 32)) == (32, 7)
