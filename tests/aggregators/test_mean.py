import pytest
import torch

from fedprop.aggregators import Cohort, Mean


def test_uniform_mean_ignores_the_number_of_examples() -> None:
    out = Mean().aggregate(Cohort(torch.tensor([[0.0], [4.0]]), examples=(3, 1)))
    assert (float(out.value), out.weights.tolist()) == (2.0, [0.5, 0.5])


def test_examples_weigh_as_in_fedavg() -> None:
    out = Mean(weighting="examples").aggregate(Cohort(torch.tensor([[0.0], [4.0]]), examples=(3, 1)))
    assert (float(out.value), out.weights.tolist()) == (1.0, [0.75, 0.25])


def test_no_examples_at_all_weigh_uniformly() -> None:
    out = Mean(weighting="examples").aggregate(Cohort(torch.tensor([[0.0], [4.0]]), examples=(0, 0)))
    assert float(out.value) == 2.0


def test_mean_of_large_float32_values_does_not_overflow() -> None:
    assert float(Mean()(torch.full((4, 1), 3e38))) == float(torch.tensor(3e38))


def test_a_divisor_takes_the_place_of_the_number_of_rows() -> None:
    out = Mean(divisor=4).aggregate(torch.tensor([[2.0], [6.0]]))
    assert (out.value.tolist(), out.weights.tolist()) == ([2.0], [0.25, 0.25])
    contract = Mean(divisor=4).contract()
    assert (contract.scaling, contract.linear, contract.translation, contract.kappa) == (True, True, False, None)


def test_a_divisor_and_weights_by_examples_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="`divisor` needs `weighting` uniform; found divisor=4, weighting=examples"):
        Mean(divisor=4, weighting="examples")
