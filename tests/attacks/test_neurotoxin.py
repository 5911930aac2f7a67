"""Neurotoxin, on a workshop whose clean gradient is the model itself."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import Neurotoxin
from fedprop.oracles.neurotoxin import MISREADINGS, forbidden

ORIGIN = [8.0, -9.0, 2.0, 0.0]


class Census:
    """Four examples of label 0 and 2 x 2 pixels each; the gradient is the way from the mean label."""

    def data(self, row):
        return torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64)

    def gradient(self, parameters, x, y):
        return parameters - y.double().mean()


@pytest.fixture
def seen(view):
    return replace(view([[0.0] * 4] * 2, origin=ORIGIN), workshop=Census(), received=8)


def attack(**settings):
    backdoor = {"kind": "pixel_trigger", "label": 1, "size": 1, "poisoned": 0.5}
    return Neurotoxin(**{"backdoor": backdoor, "epochs": 1, "lr": 0.5, "masked": 0.5, **settings})


def test_the_weights_of_the_largest_clean_gradients_stay(seen):
    """On clean labels the gradient is the model, so the first two weights stay; a step halves the way to 0.5."""
    assert attack().craft(seen).tolist() == [[0.0, 0.0, -0.75, 0.25]] * 2


def test_they_stay_through_any_number_of_steps_and_any_scale(seen):
    crafted = attack(epochs=3, boost=None, radius=0.5).craft(seen)
    assert crafted[:, :2].eq(0).all()
    assert crafted[:, 2:].ne(0).all()
    assert float(crafted[0].norm()) == pytest.approx(4 * 0.5)


def test_what_is_kept_beside_weights_takes_no_place_among_them(seen):
    """With one entry that is no weight there are three, of which round(1.5) stay; the gradient of the fourth is not."""
    crafted = attack().craft(replace(seen, buffers=1))
    assert crafted.ne(0).tolist() == [[False, False, True, True]] * 2


def test_which_weights_stay_is_what_the_definition_says_and_no_misreading(seen):
    for masked in (0.05, 0.3, 0.5, 0.75):
        stays = {place for place, moved in enumerate(attack(masked=masked).craft(seen)[0]) if float(moved) == 0}
        assert stays == forbidden(ORIGIN, masked)
    assert all(wrong(ORIGIN, 0.25) != forbidden(ORIGIN, 0.25) for wrong in MISREADINGS.values())


def test_its_constraint_tells_what_moves_them(seen):
    [constraint] = attack().constraints()
    assert constraint.broken(seen, attack().craft(seen)) is None
    assert "row 1 moves weight 0" in constraint.broken(seen, torch.tensor([[0.0] * 4, [1.0, 0.0, 0.0, 0.0]]))


@pytest.mark.parametrize("settings", [{"masked": 0.0}, {"masked": 1.0}, {"radius": 0.0}])
def test_settings_without_effect_are_refused(settings):
    with pytest.raises(ValidationError):
        Neurotoxin(**settings)
