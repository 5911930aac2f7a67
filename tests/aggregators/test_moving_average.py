import pytest
import torch

from fedprop.aggregators import Bulyan, MovingAverage, Region, TrimmedMean
from fedprop.aggregators.tolerance import tolerated
from fedprop.properties import contract_of
from fedprop.properties.comparison import same_answer

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


def test_of_answers_that_tie_before_it_either_will_do() -> None:
    """Bulyan's last picks tie here, so that the order of the rows decides between 0 and -1."""
    rows = torch.tensor([[0.0], [0.0], [0.0], [-1.0], [-1.0], [-1.0], [2.0]], dtype=torch.float64)
    chain = Bulyan(f=1) >> MovingAverage(alpha=0.25)
    answers = {float(chain(rows[torch.randperm(7, generator=torch.Generator().manual_seed(i))])) for i in range(20)}
    assert answers == {0.0, -0.25}
    contract = contract_of(chain)
    assert same_answer(contract, rows, torch.tensor([0.0]), torch.tensor([-0.25]))
    assert not same_answer(contract, rows, torch.tensor([0.0]), torch.tensor([-0.5]))
