"""Three sigma: both stages by hand, and rounds that follow the definition."""

import pytest
import torch

from fedprop.aggregators import Cohort, ThreeSigma
from fedprop.errors import ServerUnknown
from fedprop.oracles.three_sigma import three_sigma_round

MODEL = torch.tensor([10.0, 0.0], dtype=torch.float64)
ROWS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-30.0, 4.0]], dtype=torch.float64)


def test_a_first_round_by_hand() -> None:
    """One neighbour: the first three have the best score, 1. Their mean is 0.47, 0.75, 0.75 and 30.6 from the rows.

    These distances have the mean 8.1 and the sample deviation 15, so the limit 15.6 leaves out the last row alone.
    """
    before = ROWS.clone()
    found = ThreeSigma().aggregate(Cohort(ROWS, (4, 5, 6, 7), model=MODEL))
    assert found.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert found.value.tolist() == pytest.approx([1 / 3, 1 / 3])
    assert found.state["centre"].tolist() == pytest.approx([31 / 3, 1 / 3])
    assert {client: model.tolist() for client, model in found.state["models"].items()} == {
        4: [10.0, 0.0],
        5: [11.0, 0.0],
        6: [10.0, 1.0],
    }
    assert torch.equal(ROWS, before)


def test_later_only_suspects_can_be_left_out() -> None:
    """Both are far away, but one still points where the global model does, as all did before."""
    rule = ThreeSigma()
    state = rule.aggregate(Cohort(ROWS, model=MODEL)).state
    rows = torch.tensor([[0.0, 0.0], [90.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    assert rule.aggregate(Cohort(rows, model=MODEL), state).weights.tolist() == pytest.approx([1 / 3] * 3)
    found = rule.aggregate(Cohort(-rows, model=MODEL), state)
    assert found.weights.tolist() == [0.5, 0.0, 0.5]
    assert found.state["models"][1].tolist() == [11.0, 0.0]


def test_a_model_of_zeros_points_nowhere_and_is_suspect() -> None:
    rule = ThreeSigma()
    state = rule.aggregate(Cohort(ROWS, model=MODEL)).state
    rows = torch.tensor([[0.0, 0.0], [-10.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    assert rule.aggregate(Cohort(rows, model=MODEL), state).weights.tolist() == [0.5, 0.0, 0.5]


def test_rounds_are_those_of_the_definition_whoever_takes_part() -> None:
    generator = torch.Generator().manual_seed(3)
    rule, state, before, left_out = ThreeSigma(gamma=0.8), ThreeSigma().init(), (None, {}), 0
    for number in range(10):
        clients = torch.randperm(8, generator=generator)[:6].tolist()
        rows = torch.randn(6, 3, generator=generator, dtype=torch.float64)
        model = 1 + torch.randn(3, generator=generator, dtype=torch.float64)
        found = rule.aggregate(Cohort(rows, clients, model=model), state)
        state, left_out = found.state, left_out + int((found.weights == 0).sum())
        expected, before = three_sigma_round(rows.tolist(), model.tolist(), clients, before, gamma=0.8)
        assert found.value.tolist() == pytest.approx(expected), number
        assert state["centre"].tolist() == pytest.approx(before[0])
        assert state["models"].keys() == before[1].keys()
    assert left_out > 5


def test_without_a_model_it_is_refused() -> None:
    with pytest.raises(ServerUnknown, match="`model` must be given with the cohort"):
        ThreeSigma()(ROWS)
