"""The server's own examples at work."""

import pytest
import torch

from fedprop.aggregators import Aggregation, FLTrust, Mean, SpectralDetection
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.params import ParameterLayout
from fedprop.simulation.engine import simulate
from fedprop.simulation.evaluation import Evaluator
from fedprop.simulation.root import RootBench


class Asks(Mean):
    """Takes whatever the server's own training gives."""

    kind: str = "asks"

    @property
    def asks(self):
        return frozenset({"losses", "accuracies", "reference"})

    def combine(self, cohort, state):
        update = cohort.server_side.reference()
        candidates = torch.stack([update, torch.zeros_like(update)])
        better, worse = cohort.server_side.losses(candidates)
        assert better < worse
        assert 0.0 < float(cohort.server_side.accuracies(candidates).min()) <= 1.0
        return Aggregation(update, torch.full((len(cohort.updates),), 1 / len(cohort.updates)))


def experiment(defense):
    return Experiment(rounds=2, clients=4, data={"kind": "digits"}, model={"kind": "logistic_regression"},
                      training={"lr": 0.1, "steps": 20}, root={"size": 60}, defense=defense)  # fmt: skip


def test_a_rule_that_asks_for_it_gets_the_server_s_examples(log):
    setup = resolve(experiment(Asks()))
    assert len(setup.root) == 60
    assert set(map(tuple, setup.root.x.flatten(1).tolist())).isdisjoint(
        map(tuple, setup.shards.pool.x[setup.shards.held].flatten(1).tolist())
    )
    outcome = simulate(setup, log)
    assert outcome.test_accuracy > 0.5
    assert not any(record.failure for record in log.rounds)


def test_rehearsals_are_those_of_clients_with_samples_of_the_server_s_examples():
    setup = resolve(experiment(SpectralDetection(rehearsals=3)))
    start = ParameterLayout.of(setup.module).flatten(setup.module)
    found = setup.root_bench().at(start, 0).rehearsals(3)
    again = setup.root_bench().at(start, 0)
    assert torch.equal(found, again.rehearsals(3))
    assert torch.allclose(found[:2], again.rehearsals(2), atol=1e-6)
    spread = torch.pdist(torch.cat([found, again.reference()[None]]))
    assert spread.min() > 0
    assert spread.max() < found.norm(dim=1).min()


def test_an_autoencoder_trained_on_rehearsals_leaves_attackers_out(log):
    changes = {"clients": 10, "rounds": 3, "attack": {"kind": "sign_flip", "share": 0.3}, "training": {"steps": 20}}
    setup = resolve(Experiment.model_validate({**experiment(SpectralDetection()).model_dump(), **changes}))
    assert simulate(setup, log).test_accuracy > 0.8
    assert all(record.weights[client] == 0 for record in log.rounds for client in setup.compromised)


def test_fltrust_learns_what_the_honest_minority_teaches(log):
    changes = {"clients": 10, "rounds": 4, "attack": {"kind": "sign_flip", "share": 0.6}, "training": {"steps": 20}}
    settings = Experiment.model_validate({**experiment(FLTrust()).model_dump(), **changes})
    setup = resolve(settings)
    outcome = simulate(setup, log)
    assert outcome.test_accuracy > 0.8
    assert all(record.weights[client] == 0 for record in log.rounds for client in setup.compromised)


def test_other_rules_leave_every_example_to_the_clients():
    setup = resolve(experiment(Mean()))
    assert setup.root is None
    assert sum(setup.shards.sizes) == len(setup.dataset.train) == len(resolve(experiment(Asks())).dataset.train) + 60


def test_the_view_is_of_the_parameters_given():
    setup = resolve(experiment(Asks()))
    bench = RootBench(setup.module, setup.root, setup.training, seed=0, trainer=4)
    start = ParameterLayout.of(setup.module).flatten(setup.module)
    view = bench.at(start, 0)
    candidates = torch.stack([torch.full_like(start, 0.5), torch.zeros_like(start)])
    scores = [Evaluator(setup.module, setup.root)(start + candidate) for candidate in candidates]
    assert view.accuracies(candidates).tolist() == [score.accuracy for score in scores]
    assert view.losses(candidates).tolist() == [score.loss for score in scores]
    assert view.reference().equal(bench.train(start, 0))
    assert not view.reference().equal(bench.at(start, 1).reference())


@pytest.mark.parametrize("size", [0, -1])
def test_the_size_is_positive(size):
    with pytest.raises(ValueError, match=r"root\.size"):
        Experiment(rounds=1, clients=1, root={"size": size})
