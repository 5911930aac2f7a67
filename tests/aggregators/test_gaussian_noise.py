import pytest
import torch

from fedprop.aggregators import Cohort, GaussianNoise, Mean, Median, NormClipping
from fedprop.errors import ServerUnknown

ROWS = torch.tensor([[3.0, 4.0], [0.0, 1.0]])


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def test_by_hand() -> None:
    """Weak DP: (3, 4) is cut to (0.6, 0.8), and the mean with (0, 1) gets the noise once."""
    rule = NormClipping(max_norm=1.0) >> Mean() >> GaussianNoise(std=0.1)
    z = torch.randn(2, generator=draw())
    for dtype in (torch.float32, torch.float64):
        found = rule.aggregate(Cohort(ROWS.to(dtype), generator=draw()))
        assert found.value.tolist() == pytest.approx([0.3 + 0.1 * float(z[0]), 0.9 + 0.1 * float(z[1])], rel=1e-5)
        assert found.weights.tolist() == pytest.approx([0.1, 0.5])


def test_the_last_round_gets_none() -> None:
    rule = Mean() >> GaussianNoise(std=1.0, rounds=3)
    assert rule.asks == {"generator", "round"}
    noisy = [float((rule.aggregate(Cohort(ROWS, round=t, generator=draw())).value - ROWS.mean(dim=0)).norm()) > 0
             for t in range(3)]  # fmt: skip
    assert noisy == [True, True, False]


def test_it_must_be_told_where_the_noise_comes_from() -> None:
    with pytest.raises(ServerUnknown, match="`generator` must be given"):
        (Mean() >> GaussianNoise(std=1.0))(ROWS)


def test_noise_has_the_deviation_it_says() -> None:
    """20,000 draws: the estimate is off by 0.5% at one standard deviation."""
    value = (Mean() >> GaussianNoise(std=2.0)).aggregate(Cohort(torch.zeros(1, 20_000), generator=draw())).value
    assert float(value.std()) == pytest.approx(2.0, rel=0.03)
    assert float(value.mean()) == pytest.approx(0.0, abs=0.1)


def test_what_survives_noise() -> None:
    contract = (Median() >> GaussianNoise(std=1.0)).contract()
    assert (contract.permutation, contract.translation, contract.scaling, contract.linear) == (True, True, False, False)
    with pytest.raises(ValueError, match="std"):
        GaussianNoise(std=0.0)
