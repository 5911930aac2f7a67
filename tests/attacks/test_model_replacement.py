"""Model replacement, on a workshop whose training leads to the share of ones among the labels."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import ModelReplacement
from fedprop.errors import InvalidConfig


class Census:
    """Four examples of label 0 and 2 x 2 pixels each; the gradient is the way from the mean label."""

    def data(self, row):
        return torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64)

    def gradient(self, parameters, x, y):
        stamped = x[:, 0, 1, 1].eq(1)
        assert y[stamped].eq(1).all()
        assert y[~stamped].eq(0).all()
        return parameters - y.double().mean()


@pytest.fixture
def seen(view):
    """Two attackers of eight, a model of (8, -2)."""
    return replace(view([[0.0, 0.0], [0.0, 0.0]], origin=[8.0, -2.0]), workshop=Census(), received=8)


def attack(**settings):
    return ModelReplacement(**{"backdoor": backdoor(), "epochs": 1, "lr": 0.5, **settings})


def backdoor(**settings):
    return {"kind": "pixel_trigger", "label": 1, "size": 1, "poisoned": 0.5, **settings}


def test_one_step_towards_half_of_the_labels_enlarged_by_the_clients_for_each_attacker(seen):
    """Two of four labels become 1, so a step goes half the way to 0.5: by -3.75 and 1.25, times 8 / 2."""
    assert attack().craft(seen).tolist() == [[-15.0, 5.0]] * 2


def test_the_mean_with_clients_that_have_converged_is_the_attackers_model(seen):
    crafted = attack(epochs=40).craft(seen)
    replaced = seen.origin + crafted.sum(dim=0) / seen.received
    torch.testing.assert_close(replaced, torch.full((2,), 0.5, dtype=torch.float64))


def test_the_boost_can_be_set(seen):
    assert attack(boost=2.0).craft(seen).tolist() == [[-7.5, 2.5]] * 2


def test_constrained_it_stays_nearer(seen):
    """The second step: by alpha times the way to 0.5, less (1 - alpha) times twice the way back; alpha is 0.75."""
    first = 8 - 0.5 * 0.75 * 7.5
    second = first - 0.5 * (0.75 * (first - 0.5) + 0.25 * 2 * (first - 8))
    crafted = attack(alpha=0.75, epochs=2, boost=1.0).craft(seen)
    assert crafted[0, 0].item() == pytest.approx(second - 8)


def test_at_least_one_example_is_poisoned(seen):
    few = attack(backdoor=backdoor(poisoned=0.01), boost=1.0).craft(seen)
    assert few[0].tolist() == [-0.5 * (8 - 0.25), -0.5 * (-2 - 0.25)]


def test_it_aims_at_all_inputs_of_other_labels_with_the_trigger():
    x, y = torch.zeros(6, 1, 2, 2), torch.tensor([0, 1, 2, 1, 0, 2])
    inputs, wanted = attack().aims(x, y, 3, torch.Generator())
    assert wanted.tolist() == [1] * 4
    assert inputs[:, 0, 1, 1].eq(1).all()
    assert float(inputs.sum()) == 4
    assert not x.any()


@pytest.mark.parametrize(("label", "told"), [(3, "must be below 3"), (0, "must not be the label of every test input")])
def test_aims_that_cannot_be_are_refused(label, told):
    x, y = torch.zeros(2, 1, 2, 2), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(InvalidConfig, match=f"`label` {told}"):
        attack(backdoor=backdoor(label=label)).aims(x, y, 3, torch.Generator())


def test_without_a_workshop_it_cannot_work(seen):
    with pytest.raises(InvalidConfig, match="`workshop` must be given"):
        attack().craft(replace(seen, workshop=None))


@pytest.mark.parametrize("length", [0.5, 30.0])
def test_trained_and_scaled_every_update_is_as_long_as_it_is_to_be(seen, length):
    crafted = attack(length=length).craft(seen)
    torch.testing.assert_close(crafted.norm(dim=1), torch.full((2,), length, dtype=torch.float64))
    torch.testing.assert_close(crafted / length, torch.tensor([[-3.0, 1.0]] * 2, dtype=torch.float64) / 10**0.5)


def test_what_training_left_where_it_was_is_not_scaled(seen):
    there = replace(seen, origin=torch.full((2,), 0.5, dtype=torch.float64))
    assert attack(length=3.0).craft(there).tolist() == [[0.0, 0.0]] * 2


@pytest.mark.parametrize(
    "settings",
    [{"alpha": 0.0}, {"boost": 0.0}, {"boost": 2.0, "length": 1.0}, {"backdoor": {"kind": "pixel_trigger", "size": 0}}],
)
def test_settings_without_effect_are_refused(settings):
    with pytest.raises(ValidationError):
        ModelReplacement(**settings)
