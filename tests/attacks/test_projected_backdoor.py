"""Projected training, on a workshop whose gradient is the way from the mean label."""

from dataclasses import replace

import pytest
import torch

from fedprop.attacks import ProjectedBackdoor
from fedprop.attacks.training import onto_ball, onto_box


class Census:
    """Four examples of label 0 and 2 x 2 pixels each."""

    def data(self, row):
        return torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64)

    def gradient(self, parameters, x, y):
        return parameters - y.double().mean()


@pytest.fixture
def seen(view):
    """Two attackers of eight, a model of (8, -2)."""
    return replace(view([[0.0, 0.0], [0.0, 0.0]], origin=[8.0, -2.0]), workshop=Census(), received=8)


def sent(seen, **settings):
    backdoor = {"kind": "pixel_trigger", "label": 1, "size": 1, "poisoned": 0.5}
    return ProjectedBackdoor(**{"backdoor": backdoor, "epochs": 1, "lr": 0.5, **settings}).craft(seen)


def test_within_the_bound_training_is_free(seen):
    """Two of four labels become 1, so a step goes half the way to 0.5: by -3.75 and 1.25, of length 3.95."""
    assert sent(seen, radius=4.0).tolist() == [[-3.75, 1.25]] * 2


def test_beyond_it_the_model_is_brought_back(seen):
    crafted = sent(seen, radius=2.0)
    torch.testing.assert_close(crafted, torch.tensor([[-3.0, 1.0]] * 2, dtype=torch.float64) * 2 / 10**0.5)


def test_by_the_largest_change_each_weight_is_cut_by_itself(seen):
    assert sent(seen, radius=2.0, norm="largest").tolist() == [[-2.0, 1.25]] * 2


def test_with_replacement_it_is_enlarged_by_the_clients_for_each_attacker(seen):
    assert sent(seen, radius=4.0, boost=None).tolist() == [[-15.0, 5.0]] * 2


def test_every_step_is_projected(seen):
    """Along the box each further step ends at the bound again, in the weight that is farther off; the other arrives."""
    crafted = sent(seen, radius=2.0, norm="largest", epochs=2)
    assert crafted.tolist() == [[-2.0, 1.25 + 0.5 * 1.25]] * 2


@pytest.mark.parametrize("project", [onto_ball, onto_box])
def test_projections_leave_what_is_within_and_are_nearest(project):
    generator = torch.Generator().manual_seed(0)
    centre, models = torch.randn(3, generator=generator), torch.randn(200, 3, generator=generator)
    bound = project(centre, 0.9)
    found = torch.stack([bound(model) for model in models])
    torch.testing.assert_close(torch.stack([bound(model) for model in found]), found)
    assert (models - found).norm(dim=1).gt(0).any()
    assert (models - found).norm(dim=1).eq(0).any()
    # The angle at the projection is obtuse for every other point of a convex set, which makes it the nearest one.
    inner = ((models - found)[:, None] * (found[None] - found[:, None])).sum(dim=2)
    assert float(inner.max()) < 1e-5
