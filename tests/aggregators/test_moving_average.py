import pytest
import torch

from fedprop.aggregators import MovingAverage, Region, TrimmedMean
from fedprop.aggregators.tolerance import tolerated

ROWS = torch.tensor([[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]])


def test_by_hand() -> None:
    """SLSGD: the model goes a quarter of the way to the trimmed mean of the models."""
    found = (TrimmedMean(f=1) >> MovingAverage(alpha=0.25)).aggregate(ROWS)
    assert found.value.tolist() == [0.5, 5.0]
    model = torch.tensor([4.0, -4.0])
    assert torch.allclose(model + found.value, 0.75 * model + 0.25 * (ROWS + model).median(dim=0).values)


def test_what_a_share_keeps() -> None:
    rule = TrimmedMean(f=1) >> MovingAverage(alpha=0.5)
    contract = rule.contract()
    assert (contract.scaling, contract.separable, contract.translation, contract.idempotent) == (
        True,
        True,
        False,
        False,
    )
    assert (contract.lies_in, contract.kappa, tolerated(rule, 5)) == (Region.ANYWHERE, None, 1)


@pytest.mark.parametrize("alpha", [0.0, 1.5])
def test_alpha_is_a_share(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        MovingAverage(alpha=alpha)
