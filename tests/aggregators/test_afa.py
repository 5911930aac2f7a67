"""AFA: who is left out by hand, and reputations that belong to clients."""

import pytest
import torch

from fedprop.aggregators import AFA, Cohort
from fedprop.errors import ServerUnknown
from fedprop.oracles.afa import afa_round

ROWS = torch.tensor([[1.0, 0.0]] * 5 + [[-9.0, 4.0]], dtype=torch.float64)
ZERO = torch.zeros(2, dtype=torch.float64)


def test_a_model_that_points_elsewhere_is_left_out():
    """By reputations the mean is (-1.75, 2) / 3.25, with cosines -0.66 five times and 0.91: similar rather than apart.

    Their mean -0.40 is above the median -0.66, and 0.91 above that by more than twice the deviation 0.58.
    """
    before = ROWS.clone()
    answer = AFA().aggregate(Cohort(ROWS, range(10, 16), model=ZERO), {10: (9, 3)})
    assert answer.value.tolist() == [1.0, 0.0]
    assert answer.weights.tolist() == pytest.approx([0.75 / 2.75, *[0.5 / 2.75] * 4, 0.0])
    assert answer.state == {10: (10, 3), **dict.fromkeys(range(11, 15), (4, 3)), 15: (3, 4)}
    assert torch.equal(ROWS, before)


def test_models_are_compared_and_not_updates():
    """Seen from far away, all six models point the same way."""
    answer = AFA().aggregate(Cohort(ROWS, model=torch.tensor([1e9, 0.0], dtype=torch.float64)))
    assert answer.weights.tolist() == pytest.approx([1 / 6] * 6)


def test_a_mean_that_is_the_median_but_for_rounding_is_not_above_it():
    """Two pairs of models, each at equal angles to both sides of the mean: the nearer pair goes."""
    for seed in range(30):
        narrow, wide = (0.2 + torch.rand(2, generator=torch.Generator().manual_seed(seed))).cumsum(0).tolist()
        angles = torch.tensor([narrow, -narrow, wide, -wide], dtype=torch.float64)
        rows = torch.stack([angles.cos(), angles.sin()], dim=1)
        assert AFA(xi=0.5).aggregate(Cohort(rows, model=ZERO)).weights.tolist() == [0.0, 0.0, 0.5, 0.5]


def test_claims_count_unless_all_are_zero():
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    weights = [AFA().aggregate(Cohort(rows, examples=claims, model=ZERO)).weights for claims in ((3, 1), (0, 0))]
    assert [found.tolist() for found in weights] == [[0.75, 0.25], [0.5, 0.5]]


def test_claims_may_be_cut_or_not_count():
    """Of three clients none may hold more than half: 90 is cut to 20."""
    rows, claims = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64), (10, 90, 10)
    for weighting, weights in {"capped": [0.25, 0.5, 0.25], "uniform": [1 / 3] * 3}.items():
        found = AFA(weighting=weighting, xi=9.0).aggregate(Cohort(rows, examples=claims, model=ZERO)).weights
        assert found.tolist() == pytest.approx(weights)


def test_whoever_is_certainly_bad_is_blocked_for_ever():
    """Of 12 tosses of a coin 4 or more show heads with the probability 3797 / 4096 = 0.927, of 13 with 0.954."""
    for pair, blocked in (((4, 9), False), ((4, 10), True)):
        answer = AFA().aggregate(Cohort(ROWS[:3], (0, 1, 2), model=ZERO), {0: pair})
        assert (answer.weights[0] == 0) == blocked
        assert answer.state[0] == (pair if blocked else (5, 9))
    nobody = AFA().aggregate(Cohort(ROWS[:1], (0,), model=ZERO), {0: (4, 10)})
    assert (nobody.value.tolist(), nobody.weights.tolist(), nobody.state) == ([0.0, 0.0], [0.0], {0: (4, 10)})


def test_rounds_are_those_of_the_definition_whoever_takes_part():
    generator = torch.Generator().manual_seed(1)
    rule, state, before = AFA(xi=0.5, delta=0.6), AFA().init(), {}
    for number in range(12):
        clients = torch.randperm(9, generator=generator)[:7].tolist()
        rows = torch.randn(7, 2, generator=generator, dtype=torch.float64)
        model, claims = torch.randn(2, generator=generator, dtype=torch.float64), [1 + client for client in clients]
        value, _, state = rule.aggregate(Cohort(rows, clients, claims, model=model), state)
        expected, before = afa_round(rows.tolist(), model.tolist(), clients, claims, before, xi=0.5, delta=0.6)
        assert value.tolist() == pytest.approx(expected), number
        assert state == before
    assert any(beta > alpha for alpha, beta in state.values())


def test_without_a_model_it_is_refused():
    with pytest.raises(ServerUnknown, match="`model` must be given with the cohort"):
        AFA()(ROWS)
