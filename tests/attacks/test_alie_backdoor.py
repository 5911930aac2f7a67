"""The minimising-distance backdoor, on a workshop whose gradient is the way from the mean label."""

from dataclasses import replace

import pytest
import torch

from fedprop.attacks import ALIEBackdoor


class Census:
    """Four examples of label 0 and 2 x 2 pixels each."""

    def data(self, row):
        return torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64)

    def gradient(self, parameters, x, y):
        return parameters - y.double().mean()


@pytest.fixture
def seen(view):
    """Honest updates of mean (1, 2) and deviation (1, 2), from a model of (8, -2)."""
    return replace(view([[0.0, 0.0], [2.0, 4.0]], origin=[8.0, -2.0]), workshop=Census(), received=8)


def sent(seen, **settings):
    backdoor = {"kind": "pixel_trigger", "label": 1, "size": 1, "poisoned": 0.5}
    attack = ALIEBackdoor(**{"backdoor": backdoor, "epochs": 1, "lr": 0.5, "alpha": 0.5, "z": 1.0, **settings})
    assert attack.constraints()[0].broken(seen, attack.craft(seen)) is None
    return attack.craft(seen)


def test_one_step_from_where_honest_training_leads_then_back_and_cut(seen):
    """From (9, 0), by a quarter of the way to 0.5, to (6.875, 0.125).

    The pull back is 0.5 / 1 and 0.5 / 4, which leads to (11.375 / 1.5, 0.125 / 1.125); less the model received this is
    (-0.417, 2.111), of which 0 ... 2 and 0 ... 4 are allowed.
    """
    assert sent(seen).tolist() == [[0.0, pytest.approx(2 + 1 / 9)]] * 2


def test_without_the_distance_only_the_cut_is_left(seen):
    """The step is half the way to 0.5: to (4.75, 0.25)."""
    assert sent(seen, alpha=1.0).tolist() == [[0.0, 2.25]] * 2
    assert sent(seen, alpha=1.0, z=9.0).tolist() == [[-3.25, 2.25]] * 2


def test_where_honest_updates_agree_there_is_no_room(seen):
    alike = replace(seen, own=torch.tensor([[0.0, 3.0], [2.0, 3.0]], dtype=torch.float64))
    assert sent(alike, epochs=4, lr=50.0)[:, 1].tolist() == [3.0] * 2


def test_the_number_of_deviations_is_that_of_the_formula(seen):
    """Of eight two attack: three supporters are needed among six, half of them, which leaves no room at all.

    Of seven, two among five are needed: 0.2533 deviations, beyond which 0.4 of all normal values lie.
    """
    assert sent(seen, z=None).tolist() == [[1.0, 2.0]] * 2
    assert sent(replace(seen, received=7), z=None, alpha=1.0)[0, 0].item() == pytest.approx(1 - 0.2533, abs=1e-4)
