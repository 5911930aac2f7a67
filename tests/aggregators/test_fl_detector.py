"""FLDetector: clusters and the L-BFGS matrix by hand, and whole runs beside the definition."""

import pytest
import torch

from fedprop.aggregators import Cohort, FLDetector
from fedprop.aggregators.gaps import two_clusters
from fedprop.aggregators.quasi_newton import hessian_times
from fedprop.errors import ServerUnknown
from fedprop.oracles.fl_detector import LATER_MISREADINGS, Memory, fl_detector_round, higher_cluster

CURVES = torch.tensor([-1.0, -0.5, -0.25, -0.125], dtype=torch.float64)


def run(rounds: int, window: int, clients: int = 6, liar: int = 5, seed: int = 0):
    """Cohorts of clients whose updates are those of a quadratic loss, and of one that sends anything."""
    draw = torch.Generator().manual_seed(seed)
    best = torch.randn(clients, 4, generator=draw, dtype=torch.float64)
    model, state, rule = torch.zeros(4, dtype=torch.float64), FLDetector().init(), FLDetector(window=window)
    for number in range(rounds):
        order = torch.randperm(clients, generator=draw)
        rows = CURVES * (model - best) + 0.01 * torch.randn(clients, 4, generator=draw, dtype=torch.float64)
        rows[liar] = torch.randn(4, generator=draw, dtype=torch.float64)
        cohort = Cohort(rows[order], order.tolist(), model=model, generator=torch.Generator().manual_seed(number))
        answer = rule.aggregate(cohort, state)
        yield number, cohort, answer
        state, model = answer.state, model + 0.5 * answer.value


def test_whoever_is_unlike_itself_is_removed_for_good_once_the_window_is_full():
    for number, cohort, answer in run(9, window=4):
        assert sorted(answer.weights.tolist()) == pytest.approx([1 / 6] * 6 if number < 4 else [0.0] + [0.2] * 5)
        assert set(answer.state.removed) == (set() if number < 4 else {5})
        assert torch.allclose(answer.weights @ cohort.updates, answer.value)


def test_runs_are_those_of_the_definition_and_not_of_its_misreadings():
    apart = dict.fromkeys(LATER_MISREADINGS, False)
    for seed in range(3):
        right, wrong = Memory(), {name: Memory() for name in LATER_MISREADINGS}
        for number, cohort, answer in run(8, window=3, seed=seed):
            given = (cohort.updates.tolist(), cohort.clients, cohort.model.tolist())
            expected = fl_detector_round(*given, right, torch.Generator().manual_seed(number), 3)
            assert answer.value.tolist() == pytest.approx(expected, rel=1e-6)
            last = {client: scores[-3:] for client, scores in right.scores.items()}
            assert dict(answer.state.scores) == {c: pytest.approx(scores, rel=1e-6) for c, scores in last.items()}
            for name, setting in LATER_MISREADINGS.items():
                fl_detector_round(*given, wrong[name], torch.Generator().manual_seed(number), 3, **setting)
                apart[name] |= wrong[name].removed != right.removed or wrong[name].scores != right.scores
    assert all(apart.values()), apart


def test_the_matrix_meets_the_last_secant_equation():
    """With one pair it is (y's / s's) (I - s s' / s's) + y y' / y's: for s = (2, 0), y = (4, 2), [[2, 1], [1, 2.5]]."""
    step, change = torch.tensor([[2.0, 0.0]]).double(), torch.tensor([[4.0, 2.0]]).double()
    assert hessian_times(step, change, torch.tensor([2.0, 0.0]).double()).tolist() == pytest.approx([4.0, 2.0])
    assert hessian_times(step, change, torch.tensor([0.0, 1.0]).double()).tolist() == pytest.approx([1.0, 2.5])


def test_two_clusters_or_one():
    draw = torch.Generator().manual_seed(0)
    two = torch.tensor([0.1, 0.9, 0.11, 0.12, 0.91, 0.1], dtype=torch.float64)
    assert two_clusters(two, 20, draw).tolist() == [False, True, False, False, True, False]
    assert two_clusters(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), 20, draw).tolist() == [False, False, True]
    for one in (torch.linspace(0, 1, 9).double(), torch.ones(5).double(), torch.tensor([0.0, 1.0]).double()):
        assert not two_clusters(one, 20, draw).any()


def test_one_cluster_or_two_is_decided_as_defined_where_it_is_close():
    """With two references the error of the gap is a factor sqrt(1 + 1/2) above their deviation, which decides here."""
    for number in range(0, 400, 2):
        spread = 0.05 + 0.3 * number / 400
        numbers = [0.0, spread, spread / 2, 1 - spread, 1.0, 1 - spread / 3]
        found = two_clusters(torch.tensor(numbers).double(), 2, torch.Generator().manual_seed(number))
        right = higher_cluster(dict(enumerate(numbers)), 2, torch.Generator().manual_seed(number))
        assert set(found.nonzero().flatten().tolist()) == right, (number, found, right)


def test_without_a_model_it_is_refused():
    with pytest.raises(ServerUnknown, match="`model` must be given with the cohort"):
        FLDetector()(torch.ones(2, 1))
