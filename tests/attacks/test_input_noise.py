import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import InputNoise
from fedprop.errors import InvalidConfig

X, Y = torch.full((400, 1, 2, 2), 0.5), torch.arange(400)


def noisy(**settings):
    x, y = InputNoise(**settings).poison(X, Y, 400, torch.Generator().manual_seed(3))
    assert torch.equal(y, Y)
    assert X.eq(0.5).all()
    assert x.dtype == X.dtype
    return x - X


def test_noise_has_the_deviation_asked_for_and_no_mean():
    """Of 1600 draws the mean strays by about 2 / 40, the deviation by about 2 / 57."""
    added = noisy(std=2.0)
    assert abs(float(added.mean())) < 0.15
    assert float(added.std()) == pytest.approx(2.0, abs=0.15)
    assert bool(added.ne(0).all())


def test_a_share_of_the_examples_gets_noise_in_all_of_their_entries():
    touched = noisy(poisoned=0.25).ne(0).flatten(1)
    assert int(touched.all(dim=1).sum()) == int(touched.any(dim=1).sum()) == 100


def test_at_least_one_example_gets_noise():
    assert int(noisy(poisoned=1e-6).flatten(1).any(dim=1).sum()) == 1


def test_token_ids_take_no_noise():
    with pytest.raises(InvalidConfig, match=r"must have inputs of fractions for InputNoise; found torch\.int64"):
        InputNoise().poison(torch.zeros(1, 7, dtype=torch.int64), torch.zeros(1), 2, torch.Generator())


@pytest.mark.parametrize("settings", [{"std": 0.0}, {"poisoned": 0.0}, {"poisoned": 1.5}])
def test_noise_without_effect_is_refused(settings):
    with pytest.raises(ValidationError):
        InputNoise(**settings)
